"""A small picture of a class map, read row by row.

Masks are as large as their photos, up to 256 megapixels. A page shows some hundred
pixels of each, so no more than some rows are in memory at a time.
"""

import io
import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core.bad_image import BadImage
from fcn_core.images.png import PALETTE, PngError, body_of, frames, read_png_header

_PIECE: Final = 1 << 20
"""Bytes that are unpacked at a time, or one row."""
_FILTERS: Final = (0, 2)
"""Of the first row, and of the others, as `encode_mask` writes them."""


def sample_mask(data: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Returns the nearest pixels of a mask that `encode_mask` wrote.

    Args:
        data: The mask's file.
        size: Height and width that are wanted, in pixels.

    Returns:
        uint8 `[h, w]` class ids: the pixels that Pillow's nearest resizing takes.

    Raises:
        BadImage: `unsupported-variant` for another kind of file, or `corrupt`.
    """
    try:
        header = read_png_header(data)
        if (header.bits, header.colour_type) != (8, PALETTE):
            raise _foreign()
        picked = np.bincount(_picked(header.height, size[0]), minlength=header.height)
        columns = _picked(header.width, size[1])
        found, above = [], np.zeros(header.width, np.uint8)
        for first, rows in _rows(data, header.height, header.width):
            above = _unfilter(rows, above, is_first=first == 0)
            counts = picked[first : first + len(rows)]
            found.append(np.repeat(rows[:, 1:], counts, axis=0)[:, columns])
    except (PngError, zlib.error) as error:
        raise BadImage("corrupt", f"the mask is damaged: {error}") from None
    return np.concatenate(found)


def _picked(length: int, wanted: int) -> NDArray[np.int32]:
    """Returns which rows or columns are taken, ascending."""
    places = Image.fromarray(np.arange(length, dtype=np.int32)[None])
    return np.array(places.resize((wanted, 1), Image.Resampling.NEAREST))[0]


def _rows(
    data: bytes, height: int, width: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yields number of the first row and uint8 `[n, 1 + w]`: filtered rows in turn."""
    coded = io.BytesIO(
        b"".join(body_of(frame) for kind, frame in frames(data) if kind == b"IDAT")
    )
    inflater = zlib.decompressobj()
    at_once = max(1, _PIECE // (1 + width))
    for first in range(0, height, at_once):
        needed = min(at_once, height - first) * (1 + width)
        piece = bytearray()
        while len(piece) < needed:
            ahead = inflater.unconsumed_tail or coded.read(_PIECE)
            got = inflater.decompress(ahead, needed - len(piece))
            if not got and not ahead:
                raise PngError("the file ends before its picture")
            piece += got
        yield first, np.frombuffer(piece, np.uint8).reshape(-1, 1 + width)


def _unfilter(
    rows: NDArray[np.uint8], above: NDArray[np.uint8], *, is_first: bool
) -> NDArray[np.uint8]:
    """Turns filtered rows into pixels in place; returns the last row's."""
    first, others = _FILTERS
    is_ours = rows[0, 0] == (first if is_first else others)
    if not is_ours or (rows[1:, 0] != others).any():
        raise _foreign()
    rows[0, 1:] += above
    np.add.accumulate(rows[:, 1:], axis=0, out=rows[:, 1:])
    return rows[-1, 1:].copy()


def _foreign() -> BadImage:
    return BadImage(
        "unsupported-variant", "a mask that was not written by this project"
    )
