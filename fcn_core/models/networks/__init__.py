"""Whole networks: features, heads, upsampling."""
