"""Masks for VOC's evaluation server."""
