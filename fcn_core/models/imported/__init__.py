"""Reads networks that other programs trained: their files and layer names."""
