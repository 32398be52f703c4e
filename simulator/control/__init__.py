"""The simulator's own interface under /simulator/: it exists at no provider."""
