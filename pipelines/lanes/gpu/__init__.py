"""Lanes of a device: one owns it and its models, the others decode and encode."""
