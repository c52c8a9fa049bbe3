"""One small picture as BMPs of every kind, and its right pixels."""

import struct

import numpy as np
from numpy.typing import NDArray

from tests.drawn.image_parts import png_rows
from tests.drawn.odd_file import letter, over_white, three

MASKS = {
    (16, 555): (0x7C00, 0x3E0, 0x1F),
    (16, 565): (0xF800, 0x7E0, 0x1F),
    (32, 888): (0xFF0000, 0xFF00, 0xFF),
}
WITH_ALPHA = 56


def draw_bmp(
    bits: int,
    *,
    compression: int = 0,
    size: int = 40,
    fields: int = 0,
    alpha: int | None = None,
) -> tuple[bytes, NDArray[np.uint8]]:
    """Returns a BMP and the pixels it has to show.

    Args:
        bits: A pixel.
        compression: 0 none, 1 and 2 run lengths, 3 bit fields.
        size: Of its header.
        fields: 555, 565 or 888: which masks it declares.
        alpha: Declared, and the same in every pixel.
    """
    card = letter()
    if bits <= 8:
        return _grey_bmp(card[..., 0], bits, compression=compression, size=size)
    value = np.zeros(card.shape[:2], np.uint32)
    masks = MASKS.get((bits, fields or (555 if bits == 16 else 888)))
    seen = card.copy()
    if masks is None:
        rows = [row.tobytes() for row in card[::-1, :, ::-1]]
    else:
        for channel, mask in enumerate(masks):
            most = mask // (mask & -mask)
            part = card[..., channel].astype(np.uint32) * most // 255
            value |= part * (mask & -mask)
            seen[..., channel] = part * 255 // most
        value |= np.uint32(alpha or 0) << np.uint32(24)
        rows = [row.tobytes() for row in value.astype(f"<u{bits // 8}")[::-1]]
    if alpha:
        seen = over_white(seen, np.full(card.shape[:2], alpha))
    declared = (*masks, 0 if alpha is None else 0xFF000000) if masks and fields else ()
    return _assemble(rows, bits, compression, size=size, masks=declared), seen


def _grey_bmp(
    grey: NDArray[np.uint8], bits: int, *, compression: int, size: int
) -> tuple[bytes, NDArray[np.uint8]]:
    most = 2**bits - 1
    values = grey.astype(int) * most // 255
    palette = np.arange(most + 1) * 255 // most
    length = 4 if size > 12 else 3
    colours = np.repeat(palette[:, None], 3, 1).astype(np.uint8)
    table = np.pad(colours, ((0, 0), (0, length - 3))).tobytes()
    if compression == 1:
        rows = [bytes(b for v in row for b in (1, v)) + b"\0\0" for row in values[::-1]]
        rows[-1] += b"\0\1"
    elif compression == 2:
        rows = [
            bytes(b for v in row for b in (1, v << 4)) + b"\0\0" for row in values[::-1]
        ]
        rows[-1] += b"\0\1"
    else:
        packed = png_rows(values, bits=bits)
        step = len(packed) // len(values)
        rows = [packed[k + 1 : k + step] for k in range(0, len(packed), step)][::-1]
    data = _assemble(rows, bits, compression, size=size, table=table)
    return data, three(palette[values])


def _assemble(
    rows: list[bytes],
    bits: int,
    compression: int,
    *,
    size: int,
    masks: tuple[int, ...] = (),
    table: bytes = b"",
) -> bytes:
    height, width = letter().shape[:2]
    if compression not in (1, 2):
        rows = [row + bytes(-len(row) % 4) for row in rows]
    pixels = b"".join(rows)
    if size == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        sizes = (size, width, height, 1, bits, compression, len(pixels), 0, 0, 0, 0)
        head = struct.pack("<IiiHHIIiiII", *sizes)
        head += struct.pack(f"<{len(masks)}I", *masks)[: 12 if size == 40 else 16]
        head = head.ljust(size, b"\0")
    start = 14 + len(head) + len(table)
    whole = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
    return whole + head + table + pixels
