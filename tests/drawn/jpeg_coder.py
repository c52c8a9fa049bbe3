"""A baseline JPEG of given coefficients, with any sampling factors."""

import io
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.drawn import image_parts

Coefficients = NDArray[np.int64]
"""`[rows, columns, 64]`: the blocks of a component, in zigzag order."""


@dataclass
class Component:
    """Sampling factors, and blocks for whole units in both directions."""

    across: int
    down: int
    blocks: Coefficients


@dataclass
class _Bits:
    value: list[str] = field(default_factory=list)

    def put(self, number: int, count: int) -> None:
        if count:
            self.value.append(format(number & (1 << count) - 1, f"0{count}b"))

    def as_bytes(self) -> bytes:
        bits = "".join(self.value)
        bits += "1" * (-len(bits) % 8)
        coded = int(bits, 2).to_bytes(len(bits) // 8, "big")
        return coded.replace(b"\xff", b"\xff\0")


def blocks_of(plane: NDArray[np.uint8], *, step: int = 4) -> Coefficients:
    """Returns the quantised blocks of uint8 `[8 * rows, 8 * columns]`."""
    waves = np.cos(np.outer(np.arange(8), 2 * np.arange(8) + 1) * np.pi / 16) / 2
    waves[0] /= np.sqrt(2)
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    values = plane.reshape(rows, 8, columns, 8).swapaxes(1, 2) - 128.0
    found = np.rint(waves @ values @ waves.T / step).astype(np.int64)
    down, across = np.divmod(np.arange(64), 8)
    turns = np.where((down + across) % 2, down, across)
    zigzag = np.lexsort((turns, down + across))
    return found.reshape(rows, columns, 64)[..., zigzag]


def encode(
    components: Sequence[Component], height: int, width: int, *, step: int = 4
) -> bytes:
    """Returns the file; all coefficients are quantised by the same step."""
    tables, codes = _usual_tables()
    frame = struct.pack(">BHHB", 8, height, width, len(components))
    scan = bytes([len(components)])
    for number, part in enumerate(components, 1):
        frame += bytes([number, part.across << 4 | part.down, 0])
        scan += bytes([number, 0])
    segment = image_parts.jpeg_segment
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xDB, bytes([0]) + bytes([step]) * 64),
            segment(0xC0, frame),
            *(segment(0xC4, table) for table in tables),
            segment(0xDA, scan + b"\0\x3f\0"),
            _scan(components, codes, (height, width)),
            b"\xff\xd9",
        )
    )


def _scan(
    components: Sequence[Component],
    codes: dict[int, dict[int, tuple[int, int]]],
    size: tuple[int, int],
) -> bytes:
    bits = _Bits()
    levels = [0] * len(components)
    down = 8 * max(part.down for part in components)
    across = 8 * max(part.across for part in components)
    for row in range(math.ceil(size[0] / down)):
        for column in range(math.ceil(size[1] / across)):
            for number, part in enumerate(components):
                for block in _unit(part, row, column):
                    _put(bits, codes, block, levels[number])
                    levels[number] = int(block[0])
    return bits.as_bytes()


def _unit(part: Component, row: int, column: int) -> Iterator[Coefficients]:
    for down in range(part.down):
        for across in range(part.across):
            yield part.blocks[row * part.down + down, column * part.across + across]


def _put(
    bits: _Bits,
    codes: dict[int, dict[int, tuple[int, int]]],
    block: Coefficients,
    before: int,
) -> None:
    _put_number(bits, codes[0], 0, int(block[0]) - before)
    run = 0
    for value in map(int, block[1:]):
        if not value:
            run += 1
            continue
        for _ in range(run // 16):
            bits.put(*codes[16][0xF0])
        _put_number(bits, codes[16], run % 16, value)
        run = 0
    if run:
        bits.put(*codes[16][0])


def _put_number(
    bits: _Bits, codes: dict[int, tuple[int, int]], run: int, value: int
) -> None:
    size = abs(value).bit_length()
    bits.put(*codes[run << 4 | size])
    bits.put(value if value >= 0 else value - 1, size)


def _usual_tables() -> tuple[list[bytes], dict[int, dict[int, tuple[int, int]]]]:
    """Returns the Huffman tables of the standard, and symbol -> (code, length)."""
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG")
    data, at, tables = file.getvalue(), 0, []
    codes: dict[int, dict[int, tuple[int, int]]] = {}
    while (at := data.find(b"\xff\xc4", at)) >= 0:
        body = data[at + 4 : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
        tables.append(body)
        at += 2
        code, symbols = 0, iter(body[17:])
        known = codes.setdefault(body[0], {})
        for length, count in enumerate(body[1:17], 1):
            for _ in range(count):
                known[next(symbols)] = (code, length)
                code += 1
            code <<= 1
    return tables, codes
