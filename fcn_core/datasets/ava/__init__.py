"""AVA: its table of votes, its lists, its published splits."""
