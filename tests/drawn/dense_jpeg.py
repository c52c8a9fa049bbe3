"""A sound progressive JPEG of many scans that all find coefficients to refine.

Every row of blocks is the same and begins anew behind a restart marker, so that one row
is drawn for each kind of scan.
"""

from typing import Final

import numpy as np

from tests.drawn import image_parts

_EVERY: Final = 3
"""Which of the 63 coefficients are there: the third, the sixth, and so on."""
_BITS: Final = 13
"""Refined one after the other; a coefficient has no more."""
_COMPONENTS: Final = 3
_RUN: Final = (_EVERY - 1) << 4 | 1
"""That many zeros, then a coefficient of one bit."""


def dense_scans(side: int, *, end: bytes = b"\xff\xd9") -> bytes:
    """Returns a JPEG of 60 scans, up to half a byte a scan and block of each colour.

    Args:
        side: Height and width in pixels: whole blocks.
        end: What follows the coded data.
    """
    across = side // 8
    last = across.bit_length() - 1
    tables = _table(0, (0,)) + _table(0x10, (_RUN, last << 4))
    restarts = image_parts.jpeg_segment(0xDD, across.to_bytes(2, "big"))
    step = image_parts.jpeg_segment(0xDB, b"\0" + b"\1" * 64)
    frame = image_parts.jpeg_frame(side, side, marker=0xC2)
    parts = [b"\xff\xd8", step, tables, restarts, frame]
    levels = [[0] * _COMPONENTS * across] * (_BITS + 1)
    for number, bits in enumerate(levels):
        order = (_BITS - number + 1 if number else 0) << 4 | _BITS - number
        head = image_parts.jpeg_scan_header(spectrum=(0, 0), bits=order)
        parts += [head, _rows(bits, across)]
    new, refined = [0, 1] * (63 // _EVERY), [0] * (63 // _EVERY)
    for component in range(1, _COMPONENTS + 1):
        for low in range(_BITS, -1, -1):
            is_first = low == _BITS
            bits = new * across if is_first else _end(across) + refined * across
            order = low if is_first else low + 1 << 4 | low
            head = image_parts.jpeg_scan_header(
                (component,), spectrum=(1, 63), bits=order
            )
            parts += [head, _rows(bits, across)]
    return b"".join(parts) + end


def _end(across: int) -> list[int]:
    """Returns the code for as many blocks without new coefficients as a row has."""
    extra = across.bit_length() - 1
    return [1, 0, *(across >> place & 1 for place in range(extra - 1, -1, -1))]


def _table(kind: int, symbols: tuple[int, ...]) -> bytes:
    """Returns a table with the codes 0, 10, ... for these symbols."""
    counts = [1] * len(symbols) + [0] * (16 - len(symbols))
    return image_parts.jpeg_segment(0xC4, bytes([kind, *counts, *symbols]))


def _rows(bits: list[int], rows: int) -> bytes:
    padded = bits + [1] * (-len(bits) % 8)
    row = np.packbits(np.array(padded, np.uint8)).tobytes()
    row = row.replace(b"\xff", b"\xff\0")
    return b"".join(
        row + (bytes([0xFF, 0xD0 + number % 8]) if number < rows - 1 else b"")
        for number in range(rows)
    )
