"""A model as files: its card, the photos it learned from, where it is."""
