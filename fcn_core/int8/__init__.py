"""Gives a bundle the int8 form of its network, and measures what that costs."""
