"""The constants of the tasks: Pascal VOC's classes and AVA's rating bins.

The class names are the VOC devkit's own spellings, the index of a name is its class
id. `VOID` marks pixels that are neither trained on nor evaluated (object rims).
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal["segmentation", "aesthetics", "technical"]
"""What a model answers: a class for each pixel, how people like a photo, or how sharp
and clean it is."""

RatingTask = Literal["aesthetics", "technical"]
RATING_TASKS: Final[tuple[RatingTask, ...]] = ("aesthetics", "technical")
"""The tasks whose answer is a distribution of ratings."""


Views = Literal["1", "3", "square"]
"""How models that sample photos to one area see them: `1` whole; `3` squares, three or
as many as cover a photo, whose ratings are averaged; `square` whole, but warped to a
square from the photo's own pixels, as such models are published."""

Pooling = Literal["average", "max"]


VOID: Final = 255

VOC_CLASSES: Final[tuple[str, ...]] = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

RATING_BINS: Final[tuple[int, ...]] = tuple(range(1, 11))
"""AVA's voters rate from 1 (worst) to 10 (best)."""


def _bit_interleaved_palette() -> NDArray[np.uint8]:
    """Returns uint8 `[256, 3]`: bits 0, 1, 2 of an index fill R, G, B from the top."""
    index = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            palette[:, channel] |= ((index >> channel & 1) << (7 - bit)).astype(
                np.uint8
            )
        index >>= 3
    return palette


VOC_PALETTE: Final[NDArray[np.uint8]] = _bit_interleaved_palette()
"""uint8 `[256, 3]` RGB, the palette inside every VOC label file."""
VOC_PALETTE.setflags(write=False)
