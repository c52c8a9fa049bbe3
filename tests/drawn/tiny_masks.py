"""A small mask of a user's: class ids, their colours, and the label map of both."""

import numpy as np

SHAPE = (23, 31)
INDICES = np.random.default_rng(1).integers(0, 3, SHAPE).astype(np.uint8)
INDICES[:4] = 255
COLOURS = {0: (10, 20, 30), 1: (255, 0, 0), 2: (0, 0, 142), 255: (255, 255, 255)}
YAML = b"""
classes: [ground, road, car]
void: 255
colours: {ground: [10, 20, 30], road: "#ff0000", car: [0, 0, 142], void: "#ffffff"}
"""


def coloured(indices: np.ndarray) -> np.ndarray:
    """Returns uint8 `[H, W, 3]`: the colours of class ids `[H, W]`."""
    rgb = np.zeros((*indices.shape, 3), np.uint8)
    for value, colour in COLOURS.items():
        rgb[indices == value] = colour
    return rgb
