"""Weights from files into models, by layer name."""
