"""Parameters: their declarations, checks and files."""
