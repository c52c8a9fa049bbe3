"""What odd but good files are made of: a picture, and how it is saved."""

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class OddFile(NamedTuple):
    """One file that must be decoded.

    Attributes:
        name: A file name; its extension is sometimes a lie.
        data: The bytes.
        pixels: uint8 `[h, w, 3]` RGB, upright, over white.
        tolerance: Largest difference allowed, of 255; above 1 only for lossy forms.
        format: The format to be reported.
        orientation: The EXIF orientation to be reported.
    """

    name: str
    data: bytes
    pixels: NDArray[np.uint8]
    tolerance: int = 1
    format: str = "PNG"
    orientation: int = 1


def letter(height: int = 48, width: int = 32) -> NDArray[np.uint8]:
    """Returns uint8 `[height, width, 3]`: flat blocks of 8, no two sides alike.

    Blocks survive JPEG, and all eight ways to turn the picture look different.
    """
    rows, columns = np.mgrid[: height // 8, : width // 8]
    values = np.stack([rows * 40, columns * 60, 200 - rows * 20], axis=-1)
    return values.astype(np.uint8).repeat(8, 0).repeat(8, 1)


def saved(pixels: NDArray[np.generic], kind: str, **options: object) -> bytes:
    """Returns an array saved in a format."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def over_white(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns uint8 `[h, w, 3]`: 8-bit colours with 8-bit alpha, laid over white."""
    a = alpha[..., None].astype(np.float64) / 255
    return np.rint(colours * a + 255 * (1 - a)).astype(np.uint8)


def three(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)
