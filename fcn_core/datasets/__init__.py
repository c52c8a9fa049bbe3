"""What is on disk becomes a record; reading it is handed in."""
