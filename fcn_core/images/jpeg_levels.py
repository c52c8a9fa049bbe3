"""Damage that leaves a JPEG's coded data readable, found by the levels of its blocks.

A flipped bit may leave as many blocks as before, so that no decoder warns; what it
spoils shows in the picture alone. Where pixels jump as damaged levels do, the levels
themselves are looked at: decoded at an eighth of the size, without fine detail, colour
conversion or clipping. Encoders never write a level outside the range of a pixel.
"""

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fcn_core.bad_image import BadImage
from fcn_core.images.jpeg import APP0, APP14, DQT, FRAMES, segments
from fcn_core.images.jpeg_jumps import find_jump, jump_evidence
from fcn_core.images.jpeg_plain import plain_jpeg
from fcn_core.images.limits import Header

_BLOCK: Final = 8
_CERTAIN: Final = 60.0
"""Evidence of a jump. Of 5,526 good pictures one had 48, all others less than 36."""
_FINE: Final = 4
"""Rows of a unit below which pixels of one row have too little in common."""
_RANGE: Final = 1024
"""A block's level is 8 times the mean of pixels from -128 to 127."""
_MIDDLE: Final = 128
_COMPONENTS: Final = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_UNCONVERTED: Final = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"
"""Says that components are no YCbCr, so that they come out as they are stored."""


def check_levels(
    data: bytes, header: Header, pixels: NDArray[np.uint8], *, factor: int
) -> None:
    """Looks for damage of which the decoder did not warn.

    Args:
        data: A JPEG.
        header: What `read_jpeg` says of it.
        pixels: uint8 `[h, w, 3]` RGB that were decoded from it, not turned.
        factor: How much smaller they are: 1, 2, 4 or 8.

    Raises:
        BadImage: `corrupt`, or `corrupt-strict` where it is only very likely.
    """
    height, width = header.unit
    unit = (height // factor, width // factor)
    edge = find_jump(pixels, unit)
    if edge is None:
        return
    row = (edge + 1) * height
    if _is_out_of_range(data, header):
        raise BadImage(
            "corrupt",
            f"the JPEG's colours jump at row {row}, to levels outside their range: "
            "upload it again",
        )
    if unit[0] >= _FINE and jump_evidence(pixels, unit, edge) > _CERTAIN:
        raise BadImage(
            "corrupt-strict",
            f"the JPEG's colours jump within a row of blocks, at row {row}, which "
            "happens when its data are damaged: check it, and save it anew",
        )


def _is_out_of_range(data: bytes, header: Header) -> bool:
    """Returns whether some block's level is one that no encoder writes."""
    changed, steps = _levels_only(data)
    try:
        levels = simplejpeg.decode_jpeg(
            changed,
            _COMPONENTS[header.components],
            min_height=1,
            min_width=1,
            min_factor=_BLOCK,
            strict=False,
        )
    except (ValueError, KeyError, MemoryError):
        return False  # Nothing is proved.
    for place, step in enumerate(steps):
        shown = _shown(step)
        largest = (_RANGE + step) * shown / step / _BLOCK + 1
        values = levels[..., place]
        if values.max() > _MIDDLE + largest or values.min() < _MIDDLE - largest:
            return True
    return False


def _levels_only(data: bytes) -> tuple[bytes, list[int]]:
    """Returns a JPEG whose pixels are its blocks' levels, in three quarters.

    Returns:
        The file, and the quantisation step of each component's level.
    """
    plain = plain_jpeg(data)
    head, *rest = plain.parts
    found: dict[int, int] = {}
    frame = b""
    pieces = [head[:2], _UNCONVERTED]
    for marker, start, end in segments(head):
        body = head[start:end]
        if marker == DQT:
            found.update(_tables(body))
        elif marker not in (APP0, APP14):
            frame = body if marker in FRAMES else frame
            pieces.append(head[start - 4 : end])
    for number, step in found.items():
        table = bytes([number, min(_shown(step), 255)]) + bytes(63)
        pieces.insert(1, b"\xff\xdb\0\x43" + table)
    steps = [found.get(number, 1) for number in frame[8::3]]
    return b"".join((*pieces, *rest, b"\xff\xd9")), steps


def _tables(body: bytes) -> Iterator[tuple[int, int]]:
    """Yields number and first step of each quantisation table of a segment."""
    at = 0
    while at + 3 <= len(body):
        is_wide, number = body[at] >> 4, body[at] & 15
        first = struct.unpack_from(">H", body, at + 1)[0] if is_wide else body[at + 1]
        yield number, max(first, 1)
        at += 129 if is_wide else 65


def _shown(step: int) -> int:
    """Returns the step with which levels are decoded, so that none is clipped."""
    return max(1, min(step * 3 // 4, 255))
