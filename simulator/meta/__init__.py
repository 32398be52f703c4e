"""Meta, played: the Graph API, its webhooks and its files."""
