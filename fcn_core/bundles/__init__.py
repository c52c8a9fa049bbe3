"""A model as files: its card, what it learned from, where it is."""
