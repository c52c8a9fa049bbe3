"""What hostile files are made of: a case, and good files to damage."""

import functools
import io
from typing import NamedTuple

import numpy as np
from PIL import Image


class Case(NamedTuple):
    suffix: str
    data: bytes
    reason: str
    why: str


def textured(height: int, width: int, seed: int) -> np.ndarray:
    """Returns uint8 `[height, width, 3]`: noise over a slope, hard to compress."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0, 120, width)[None, :, None]
    noise = rng.integers(0, 130, (height, width, 3))
    return (slope + noise).astype(np.uint8)


@functools.cache
def saved(kind: str, seed: int = 0, **options: object) -> bytes:
    """Returns a good file of a format; only written by the library, never read."""
    file = io.BytesIO()
    image = Image.fromarray(textured(60, 80, seed))
    if kind == "GIF":
        image = image.quantize(64)
    image.save(file, kind, **options)
    return file.getvalue()
