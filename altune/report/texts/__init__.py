"""Plain text for a terminal: what the commands print."""
