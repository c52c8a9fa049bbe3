"""Backbones: rows of numbers without Keras, and their builders."""
