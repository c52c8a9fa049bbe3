"""Strips and tiles of a TIFF unpacked: whole, or the photo is refused."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fcn_core.bad_image import BadImage
from fcn_core.images import tiff_layout as kinds
from fcn_core.images.tiff import JPEG_TABLES
from fcn_core.images.tiff_fax import unpack_fax
from fcn_core.images.tiff_layout import Layout, block_tables
from fcn_core.images.tiff_small import REVERSED, ends_early, small_tiff, unpack_small

_GROUP: Final = 4 * 2**20
_MAX_TABLES: Final = 2**12


def unpack_blocks(
    layout: Layout, data: bytes
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yields number and content of each block, plane after plane.

    Args:
        layout: Of a page of the file.
        data: The file.

    Yields:
        The number, and uint8 `[rows, row_bytes]`: packed samples as the layout says;
        of the last strip only the rows that there are.

    Raises:
        BadImage: `corrupt`: a block is damaged or ends before its rows.
    """
    table = block_tables(layout)
    if layout.compression in _BY_ONE:
        unpack = _BY_ONE[layout.compression]
        for number, (start, size) in enumerate(table):
            block = data[start : start + size]
            yield number, unpack(layout, block, _rows(layout, number))
        return
    for first, last in _groups(layout, len(table)):
        rows = [_rows(layout, number) for number in range(first, last)]
        blocks = [data[start : start + size] for start, size in table[first:last]]
        content = _libtiff_bytes(layout, blocks, sum(rows))
        ends = np.cumsum(rows)[:-1]
        yield from enumerate(np.split(content, ends), first)


def _rows(layout: Layout, number: int) -> int:
    if layout.is_tiled:
        return layout.block[0]
    row = number % layout.grid[0]
    return min(layout.block[0], layout.height - row * layout.block[0])


def _groups(layout: Layout, count: int) -> Iterator[tuple[int, int]]:
    """Yields ranges of blocks that are unpacked at once: none goes across planes."""
    plane = count // layout.planes
    each = max(1, _GROUP // (layout.block[0] * layout.row_bytes))
    for start in range(0, count, plane):
        for first in range(start, start + plane, each):
            yield first, min(first + each, start + plane)


def _stored(layout: Layout, block: bytes, rows: int) -> NDArray[np.uint8]:
    need = rows * layout.row_bytes
    if len(block) < need:
        raise ends_early()
    if layout.reverse:
        block = block.translate(REVERSED)
    return np.frombuffer(block, np.uint8, need).reshape(rows, -1)


def _inflated(layout: Layout, block: bytes, rows: int) -> NDArray[np.uint8]:
    need = rows * layout.row_bytes
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(block, need)
        inflate.decompress(inflate.unconsumed_tail, 64)  # reaches the checksum
    except zlib.error as error:
        raise BadImage("corrupt", f"a damaged TIFF strip or tile: {error}") from None
    if len(content) < need:
        raise ends_early()
    return np.frombuffer(content, np.uint8).reshape(rows, -1)


def _jpeg(layout: Layout, block: bytes, rows: int) -> NDArray[np.uint8]:
    tables = bytes(layout.page.numbers(JPEG_TABLES, _MAX_TABLES))
    transform = layout.photometric == kinds.YCBCR
    # Says which colours the components are; without it a decoder has to guess.
    adobe = b"\xff\xee\0\x0eAdobe" + struct.pack(">HHHB", 100, 0, 0, transform)
    middle = tables[2:-2] if tables.endswith(b"\xff\xd9") else b""
    stream = b"\xff\xd8" + adobe + middle + block[2:]
    colours = {1: "GRAY", 3: "RGB", 4: "CMYK"}[layout.samples]
    width = layout.block[1]
    try:
        height, across = simplejpeg.decode_jpeg_header(stream)[:2]
        if across != width or not rows <= height <= layout.block[0]:
            raise BadImage("corrupt", "a TIFF strip of another size: upload it again")
        pixels = simplejpeg.decode_jpeg(stream, colours, strict=True)
    except (KeyError, ValueError) as error:
        raise BadImage("corrupt", f"a damaged JPEG in a TIFF: {error}") from None
    return pixels[:rows].reshape(rows, -1)


_BY_ONE: Final = {
    kinds.NONE: _stored,
    kinds.JPEG: _jpeg,
    **dict.fromkeys(kinds.DEFLATE, _inflated),
    **dict.fromkeys(kinds.CCITT, unpack_fax),
}


def _libtiff_bytes(
    layout: Layout, blocks: Sequence[bytes], rows: int
) -> NDArray[np.uint8]:
    """Returns uint8 `[rows, row_bytes]` of LZW or PackBits blocks."""
    width, height = layout.row_bytes, layout.block[0]
    packing = layout.compression
    small = small_tiff(
        blocks, {256: width, 257: rows, 258: 8, 259: packing, 278: height}
    )
    return np.asarray(unpack_small(small, "L", (width, rows), packing=packing))
