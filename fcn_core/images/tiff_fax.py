"""Black and white blocks of a TIFF in CCITT's codes (T.4 and T.6).

libtiff's decoder gives up without an error and leaves rows unwritten, in memory that
may hold another photo. So each block is unpacked twice behind a block of ours that
fills the same memory, once with one value and once with another in every row; rows
that differ were not written by the file.
"""

import functools
import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core.bad_image import BadImage
from fcn_core.images.tiff import photo_page
from fcn_core.images.tiff_layout import Layout
from fcn_core.images.tiff_small import (
    PACKINGS,
    REVERSED,
    ends_early,
    small_tiff,
    unpack_small,
)

_RUN_LENGTHS: Final = 2
_GROUP_3: Final = 3
_GROUP_4: Final = 4
_OPTIONS: Final = 292
_TWO_DIMENSIONS: Final = 1
_EOL_ZEROS: Final = 11
_END_OF_BLOCK: Final = "000000000001" * 2
# A bit takes up to nine bytes while rows are counted.
_MAX_BYTES: Final = 8 * 2**20


def unpack_fax(layout: Layout, block: bytes, rows: int) -> NDArray[np.uint8]:
    """Returns uint8 `[rows, row_bytes]` of a block, 8 pixels a byte.

    Raises:
        BadImage: `corrupt`: not every row is there, or the codes are damaged.
    """
    if len(block) > _MAX_BYTES:
        raise BadImage(
            "unsupported-variant",
            f"a CCITT strip of {len(block)} bytes: save it with more strips",
        )
    if layout.reverse:
        block = block.translate(REVERSED)
    options = layout.page.number(_OPTIONS, 0)
    if layout.compression == _GROUP_3:
        found_rows = _coded_rows(block, has_tags=bool(options & _TWO_DIMENSIONS))
        if found_rows < rows:
            raise ends_early()
    # The decoder takes the end of the block for one white row and leaves those behind
    # it unwritten. After damaged codes, or a row too few, it is elsewhere by then.
    further = 2 if layout.compression == _GROUP_4 and _has_end(block) else 0
    first, second = (
        _unpacked(layout, block, rows + further, options=options, value=value)
        for value in (0, 1)
    )
    written = np.all(first == second, axis=1)
    if not written[:rows].all():
        raise ends_early()
    if further and list(written[rows:]) != [True, False]:
        raise _damaged()
    if layout.compression == _RUN_LENGTHS and not _is_twin(first[:rows], block):
        raise _damaged()
    return np.packbits(first[:rows], axis=1)


def _damaged() -> BadImage:
    return BadImage("corrupt", "damaged CCITT codes in a TIFF: upload it again")


def _is_twin(pixels: NDArray[np.bool_], block: bytes) -> bool:
    """Returns whether pixels are coded as in a block; runs have a single code each."""
    twin = _coded(pixels, _RUN_LENGTHS, options=0)
    return block.startswith(twin) and not block[len(twin) :].strip(b"\0")


def _unpacked(
    layout: Layout, block: bytes, rows: int, *, options: int, value: int
) -> NDArray[np.bool_]:
    """Returns bool `[rows, width]`: rows that the block lacks begin with `value`."""
    width, packing = layout.block[1], layout.compression
    before = _filling((rows, width), packing, options=options, value=value)
    tags = {256: width, 257: 2 * rows, 258: 1, 259: packing, 278: rows}
    small = small_tiff([before, block], tags | {_OPTIONS: options})
    image = unpack_small(small, "1", (width, 2 * rows), packing=packing)
    return np.asarray(image)[rows:]


@functools.lru_cache(maxsize=4)
def _filling(size: tuple[int, int], packing: int, *, options: int, value: int) -> bytes:
    """Returns a CCITT block of white rows, whose first pixels have a value."""
    image = np.ones(size, bool)
    image[:, 0] = value
    return _coded(image, packing, options=options)


def _coded(pixels: NDArray[np.bool_], packing: int, *, options: int) -> bytes:
    """Returns the CCITT block of bool `[rows, width]`."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(
        file,
        "TIFF",
        compression=PACKINGS[packing],
        strip_size=pixels.size + 1,
        tiffinfo={262: 1, _OPTIONS: options},
    )
    page = photo_page(file.getvalue())
    start, length = page.number(273, 0), page.number(279, 0)
    return page.data[start : start + length]


def _has_end(block: bytes) -> bool:
    """Returns whether a block of T.6 closes with its end code and padding."""
    tail = block.rstrip(b"\0")[-4:]
    return f"{int.from_bytes(tail):b}".rstrip("0").endswith(_END_OF_BLOCK[-13:])


def _coded_rows(block: bytes, *, has_tags: bool) -> int:
    """Returns how many rows of T.4 have codes, between ends of lines.

    An end of line is a one after at least 11 zeros, which no codes have; in two
    dimensions a tag bit follows it. Blocks without any count as no rows.
    """
    ones = np.flatnonzero(np.unpackbits(np.frombuffer(block, np.uint8)))
    is_end = np.diff(ones, prepend=-1) > _EOL_ZEROS
    is_code = ~is_end
    if has_tags:
        is_code[1:] &= ~(is_end[:-1] & (np.diff(ones) == 1))
    line = np.cumsum(is_end)
    return int(np.unique(line[is_code]).size) if is_end.any() else 0
