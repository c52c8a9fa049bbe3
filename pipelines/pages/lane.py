"""What a lane does for a page: photo bytes -> a small picture.

Only pixels are taken over: no EXIF, GPS, colour profile or other block of a photo.
"""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import geometry, images
from pipelines.lanes.messages import Header

THUMBNAIL_SIDE: Final = 360
"""Pixels of a thumbnail's longer side."""

_THUMBNAIL_BYTES: Final = 36 << 10
_QUALITIES: Final = (82, 70, 55, 40)


class DrawThumbnail:
    """Turns the bytes of a photo into a small JPEG.

    Args:
        config: Empty.
    """

    def __init__(self, config: Header):
        del config

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Draws the photo whose encoded bytes are the only blob; tells its new size.

        Raises:
            BadImage: The photo cannot be decoded.
        """
        del header
        pixels = thumbnail(blobs[0])
        height, width, _ = pixels.shape
        return {"height": height, "width": width}, [encode(pixels)]


def thumbnail(data: bytes) -> NDArray[np.uint8]:
    """Decodes a photo.

    Returns:
        uint8 `[h, w, 3]` RGB, upright, the longer side at most `THUMBNAIL_SIDE`.

    Raises:
        BadImage: The photo cannot be decoded.
    """
    pixels = images.decode(data, max_side=THUMBNAIL_SIDE).pixels
    size = geometry.Size(*pixels.shape[:2])
    return images.resize(pixels, geometry.fit(size, max_side=THUMBNAIL_SIDE))


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """Returns a JPEG of at most about 36 KiB."""
    image = Image.fromarray(pixels)
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=quality, optimize=True)
        data = buffer.getvalue()
        if len(data) <= _THUMBNAIL_BYTES:
            break
    return data
