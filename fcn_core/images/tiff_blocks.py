"""Strips and tiles of a TIFF unpacked: whole, or the photo is refused.

LZW, PackBits and CCITT are unpacked by libtiff, from a small TIFF of bytes made here:
it never learns what the bytes mean. Its CCITT decoder gives up without an error and
leaves rows unwritten, in memory that may hold another photo. So each block is unpacked
twice behind a block of ours that fills the same memory, once with one value and once
with another in every row; rows that differ were not written by the file.
"""

import functools
import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from fcn_core.bad_image import BadImage
from fcn_core.images import tiff_layout as kinds
from fcn_core.images.tiff import JPEG_TABLES, photo_page
from fcn_core.images.tiff_layout import Layout, block_tables

_GROUP: Final = 4 * 2**20
_NAMES: Final = {2: "tiff_ccitt", 3: "group3", 4: "group4", 5: "tiff_lzw"}
_REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_MAX_TABLES: Final = 2**16


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
        raise _ends_early()
    if layout.reverse:
        block = block.translate(_REVERSED)
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
        raise _ends_early()
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


def _ccitt(layout: Layout, block: bytes, rows: int) -> NDArray[np.uint8]:
    if layout.reverse:
        block = block.translate(_REVERSED)
    found = []
    for value in (0, 1):
        width, packing = layout.block[1], layout.compression
        options = layout.page.number(292, 0)
        before = _filling((rows, width), packing, options=options, value=value)
        small = _small_tiff(
            [before, block],
            {256: width, 257: 2 * rows, 258: 1, 259: packing, 278: rows, 292: options},
        )
        image = _unpack(small, "1", (width, 2 * rows), packing=packing)
        found.append(np.asarray(image)[rows:])
    if not np.array_equal(found[0], found[1]):
        raise _ends_early()
    return np.packbits(found[0], axis=1)


_BY_ONE: Final = {
    kinds.NONE: _stored,
    kinds.JPEG: _jpeg,
    **dict.fromkeys(kinds.DEFLATE, _inflated),
    **dict.fromkeys(kinds.CCITT, _ccitt),
}


@functools.lru_cache(maxsize=4)
def _filling(size: tuple[int, int], packing: int, *, options: int, value: int) -> bytes:
    """Returns a CCITT block of white rows, whose first pixels have a value."""
    image = np.ones(size, bool)
    image[:, 0] = value
    file = io.BytesIO()
    Image.fromarray(image).save(
        file,
        "TIFF",
        compression=_NAMES[packing],
        strip_size=image.size + 1,
        tiffinfo={262: 1, 292: options},
    )
    page = photo_page(file.getvalue())
    start, length = page.number(273, 0), page.number(279, 0)
    return page.data[start : start + length]


def _libtiff_bytes(
    layout: Layout, blocks: Sequence[bytes], rows: int
) -> NDArray[np.uint8]:
    """Returns uint8 `[rows, row_bytes]` of LZW or PackBits blocks."""
    width, height = layout.row_bytes, layout.block[0]
    packing = layout.compression
    small = _small_tiff(
        blocks, {256: width, 257: rows, 258: 8, 259: packing, 278: height}
    )
    return np.asarray(_unpack(small, "L", (width, rows), packing=packing))


def _small_tiff(blocks: Sequence[bytes], tags: dict[int, int]) -> bytes:
    """Returns a TIFF of one component in these strips; its directory is at 8."""
    sizes = [len(block) for block in blocks]
    tags = tags | {262: 1, 273: 0, 277: 1, 279: 0}
    lists = 8 + 2 + 12 * len(tags) + 4
    behind = lists + 8 * len(blocks)
    starts = [behind + end - sizes[0] for end in np.cumsum([sizes[0], *sizes[:-1]])]
    far = {273: (lists, starts), 279: (lists + 4 * len(blocks), sizes)}
    parts = [struct.pack("<2sHIH", b"II", 42, 8, len(tags))]
    for tag, value in sorted(tags.items()):
        at, values = far.get(tag, (value, [value]))
        inline = values[0] if len(values) == 1 else at
        parts.append(struct.pack("<HHII", tag, 4, len(values), inline))
    parts.append(bytes(4))
    parts.append(struct.pack(f"<{2 * len(blocks)}I", *starts, *sizes))
    return b"".join([*parts, *blocks])


def _unpack(
    small: bytes, mode: str, size: tuple[int, int], *, packing: int
) -> Image.Image:
    name = _NAMES.get(packing, "packbits")
    try:
        return Image.frombytes(mode, size, small, "libtiff", (mode, name, False, 8))
    except MemoryError:
        raise BadImage("out-of-memory", "no memory for the TIFF's pixels") from None
    except (OSError, ValueError):
        raise _ends_early() from None


def _ends_early() -> BadImage:
    return BadImage(
        "corrupt", "a TIFF strip or tile that ends before its rows: upload it again"
    )
