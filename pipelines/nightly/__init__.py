"""The night after night: one command for a scheduler, and those who watch it."""
