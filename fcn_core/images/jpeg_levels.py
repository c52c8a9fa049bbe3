"""Damage that leaves a JPEG's coded data readable, found by the levels of its blocks.

A flipped bit may leave as many blocks as before, so that no decoder warns; what it
spoils shows in the picture alone. Where pixels jump as damaged levels do, the levels
themselves are looked at: decoded at an eighth of the size, without fine detail, colour
conversion or clipping. Encoders never write a level outside the range of a pixel.
"""

import functools
import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fcn_core.bad_image import BadImage
from fcn_core.images.jpeg import APPLICATION, DQT, FRAMES
from fcn_core.images.jpeg_jumps import find_jump, jump_evidence
from fcn_core.images.limits import Header

_BLOCK: Final = 8
_CERTAIN: Final = 60.0
"""Evidence of a jump. Of 5,526 good pictures one had 48, all others less than 36."""
_CERTAIN_IF_REDUCED: Final = 240.0
"""Of a reduced decode, where what is seen changes within a few rows: of 1,579 good
pictures that were enlarged 2.2 to 4.6 times, four had 82 to 182."""
_CLIPPED: Final = 0.003
"""Share of blocks and colours below which no level is taken to be out of range."""
_USUAL: Final = 0.2
"""Of the share above a step: less below it, and the step has clipped nothing."""
_WHITE: Final = 255
_PIXEL: Final = np.dtype("V3")
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
    jump = find_jump(pixels, unit)
    if jump is None:
        return
    row = (jump.edge + 1) * height
    certain = _CERTAIN if factor == 1 else _CERTAIN_IF_REDUCED
    is_jump = (
        jump.is_inside
        and unit[0] >= _FINE
        and jump_evidence(pixels, unit, jump.edge) > certain
    )
    is_suspect = is_jump or _is_clipped(pixels, _BLOCK // factor, first=row // factor)
    if is_suspect and not _keeps_levels(data, header):
        raise BadImage(
            "corrupt",
            f"the JPEG's colours jump at row {row}, to levels outside their range: "
            "upload it again",
        )
    if is_jump:
        raise BadImage(
            "corrupt-strict",
            f"the JPEG's colours jump within a row of blocks, at row {row}, which "
            "happens when its data are damaged: check it, and save it anew",
        )


def decodes_to_levels(data: bytes, header: Header) -> bool:
    """Returns whether a JPEG's blocks are all there, decoding their levels only.

    Costs no more than decoding at an eighth of the size, and looks at every block.

    Args:
        data: A JPEG.
        header: What `read_jpeg` says of it.

    Returns:
        False where a decoder has to tell: there was a warning, or too rare a kind.

    Raises:
        BadImage: `corrupt`: some levels are outside their range.
    """
    levels, steps = _decode_levels(data, header, strict=True)
    if levels is not None and _is_out_of_range(levels, steps):
        raise BadImage(
            "corrupt",
            "some of the JPEG's colours have levels outside their range, which happens "
            "when its data are damaged: upload it again",
        )
    return levels is not None


def _is_clipped(pixels: NDArray[np.uint8], block: int, *, first: int) -> bool:
    """Returns whether a step seems to make blocks as dark or bright as pixels can be.

    Args:
        pixels: uint8 `[h, w, 3]`, not turned.
        block: Height and width of a block there.
        first: The first row below the step. Where blocks above are so, it is no wonder.
    """
    share = _clipped(pixels[first:], block)
    return share > _CLIPPED and share > _USUAL * _clipped(pixels[:first], block)


def _clipped(pixels: NDArray[np.uint8], block: int) -> float:
    """Returns the share of blocks and colours that are 0 or 255, by two pixels each."""
    height, width = (side // block * block for side in pixels.shape[:2])
    whole = pixels[:height, :width].view(_PIXEL)[..., 0]  # three colours at a time
    near, far = block // _BLOCK, block - 1 - block // _BLOCK
    one, other = (
        whole[at::block, at::block].copy().view(np.uint8) for at in (near, far)
    )
    ends = ((one | other) == 0) | ((one & other) == _WHITE)
    return np.count_nonzero(ends) / max(ends.size, 1)


def _keeps_levels(data: bytes, header: Header) -> bool:
    """Returns whether no block has a level that no encoder writes, as far as known."""
    levels, steps = _decode_levels(data, header, strict=False)
    return levels is None or not _is_out_of_range(levels, steps)


def _decode_levels(
    data: bytes, header: Header, *, strict: bool
) -> tuple[NDArray[np.uint8] | None, list[int]]:
    """Decodes the levels of a JPEG's blocks, in three quarters.

    Returns:
        uint8 `[h, w, components]`, or None where nobody knows, and the quantisation
        step of each component's level.
    """
    changed, steps = _levels_only(data, header)
    levels = None
    if len(steps) == header.components:
        try:
            declared = simplejpeg.decode_jpeg_header(changed)[:2]
            if declared != (header.height, header.width):
                return None, steps
            levels = simplejpeg.decode_jpeg(
                changed,
                _COMPONENTS[header.components],
                min_height=1,
                min_width=1,
                min_factor=_BLOCK,
                strict=strict,
            )
        except (ValueError, KeyError, MemoryError):
            levels = None
    return levels, steps


def _is_out_of_range(levels: NDArray[np.uint8], steps: list[int]) -> bool:
    """Returns whether some block's level is one that no encoder writes."""
    most, least = np.maximum.reduce(levels, None), np.minimum.reduce(levels, None)
    furthest = max(int(most) - _MIDDLE, _MIDDLE - int(least))
    if furthest <= min(map(_furthest, steps)):
        return False  # asked first, since it is so of all photos
    return any(
        int(abs(levels[..., at].astype(np.int16) - _MIDDLE).max()) > _furthest(step)
        for at, step in enumerate(steps)
    )


@functools.lru_cache(maxsize=1024)  # of few qualities
def _furthest(step: int) -> float:
    """Returns how far from the middle levels of a quantisation step may be."""
    return (_RANGE + step) * _shown(step) / step / _BLOCK + 1


def _levels_only(data: bytes, header: Header) -> tuple[bytes, list[int]]:
    """Returns a JPEG whose pixels are its blocks' levels, in three quarters.

    Returns:
        The file, and the quantisation step of each component's level; none where a
        later scan may have other steps.
    """
    found: dict[int, int] = {}
    frame = b""
    pieces: list[bytes | memoryview] = [data[:2], _UNCONVERTED]
    for marker, start, end in header.segments[:-1]:
        if marker == DQT:
            found.update(_tables(data[start:end]))
        elif marker not in APPLICATION:
            frame = data[start:end] if marker in FRAMES else frame
            pieces.append(data[start - 4 : end])
    pieces.append(memoryview(data)[header.segments[-1][1] - 4 :])
    if header.scans > 1 and b"\xff\xdb" in bytes(pieces[-1]):
        return data, []
    for number, step in found.items():
        table = bytes([number, min(_shown(step), 255)]) + bytes(63)
        pieces.insert(1, b"\xff\xdb\0\x43" + table)
    return b"".join(pieces), [found.get(number, 1) for number in frame[8::3]]


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
