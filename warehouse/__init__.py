"""What the programs share: settings, the database, the registry of channels, connections, events."""
