"""Files whose wrapping asks for work: metadata, further frames, packed rows."""

import struct
import zlib
from collections.abc import Callable
from typing import Final

import numpy as np

from tests.drawn import image_parts

SIDE: Final = 7_071
"""Of the largest square photo that is decoded."""
_PASSES: Final = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
"""First row and column, and steps down and across, of an interlaced PNG."""
_SEGMENT: Final = 65_533
_END: Final = image_parts.png_chunk(b"IEND", b"")


def _zeros(number: int) -> bytes:
    packer, piece = zlib.compressobj(1), bytes(1 << 20)
    parts = [packer.compress(piece) for _ in range(number >> 20)]
    return b"".join(
        [*parts, packer.compress(bytes(number % (1 << 20))), packer.flush()]
    )


def _png(
    pixels: bytes, *, colours: int, interlace: int = 0, before: bytes = b""
) -> bytes:
    frame = struct.pack(">IIBBBBB", SIDE, SIDE, 16, colours, 0, 0, interlace)
    chunks = (image_parts.png_chunk(b"IHDR", frame), before)
    rows = image_parts.png_chunk(b"IDAT", pixels)
    return image_parts.PNG_SIGNATURE + b"".join((*chunks, rows, _END))


def interlaced_png() -> bytes:
    """16-bit RGB, black, so that only counting its rows shows that it is whole."""
    total = 0
    for row, column, down, across in _PASSES:
        rows, columns = -(-(SIDE - row) // down), -(-(SIDE - column) // across)
        total += rows * (1 + columns * 6)
    return _png(_zeros(total), colours=2, interlace=1)


def grey_png() -> bytes:
    return _png(_zeros(SIDE * (1 + 2 * SIDE)), colours=0)


def animated_png() -> bytes:
    """A first picture, and as many large frames as chunks are read."""
    frames, number = [], 0
    rows = zlib.compress(bytes(64 * 193))
    for _ in range(90_000):
        place = struct.pack(">IIIIIHHBB", number, 64, 64, 0, 0, 1, 10, 0, 0)
        frames.append(image_parts.png_chunk(b"fcTL", place))
        data = struct.pack(">I", number + 1) + rows
        frames.append(image_parts.png_chunk(b"fdAT", data))
        number += 2
    control = image_parts.png_chunk(b"acTL", struct.pack(">II", 90_000, 0))
    picture = image_parts.png(64, 64, bytes(64 * 193), before=control)
    return picture[: -len(_END)] + b"".join(frames) + _END


def exif_bomb() -> bytes:
    """Directories of 65,535 entries that point at each other."""
    entry = struct.pack("<HHII", 0x8769, 4, 0xFFFFFFFF, 8)
    return b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + entry * 5_000


def metadata_jpeg() -> bytes:
    """EXIF, XMP and colour profile in a thousand segments of 64 KiB."""
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x/>"
    bodies = (
        (0xE1, exif_bomb()[:_SEGMENT]),
        (0xE1, xmp),
        (0xE2, b"ICC_PROFILE\0\1\xff"),
    )
    parts = [
        image_parts.jpeg_segment(marker, body.ljust(_SEGMENT, b" "))
        for number in range(1_020)
        for marker, body in bodies[number % 3 : number % 3 + 1]
    ]
    return image_parts.flat_jpeg(64, 64, before=b"".join(parts))


def metadata_png() -> bytes:
    exif = image_parts.png_chunk(b"eXIf", exif_bomb()[6:].ljust(30_000_000, b"\0"))
    profile = image_parts.png_chunk(b"iCCP", b"p\0\0" + _zeros(1_000_000_000))
    return image_parts.png(64, 64, bytes(64 * 193), before=exif + profile)


def _packed_tiff(compression: int, strip: bytes) -> bytes:
    tags = {256: 64, 257: 64, 258: 8, 259: compression, 262: 1, 277: 1, 278: 64}
    return image_parts.tiff({tag: (4, [value]) for tag, value in tags.items()}, strip)


def directories_tiff() -> bytes:
    """A million directories, each the next one's place."""
    head, at = b"II*\0\x08\0\0\0", 8
    parts = []
    for _ in range(1_000_000):
        at += 18
        parts.append(struct.pack("<HHHII", 1, 254, 4, 1, 1) + struct.pack("<I", at))
    return head + b"".join(parts)


def noisy_tail_png() -> bytes:
    """Rows are all there; what is packed behind them is 300 MB."""
    noise = np.random.default_rng(1).integers(0, 256, 64 * 193, np.uint8)
    noise[::193] = 0
    packer = zlib.compressobj(9)
    parts = [packer.compress(noise.tobytes())]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(300)]
    frame = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    chunks = (
        image_parts.png_chunk(b"IHDR", frame),
        image_parts.png_chunk(b"IDAT", b"".join([*parts, packer.flush()])),
    )
    return image_parts.PNG_SIGNATURE + b"".join(chunks) + _END


COSTLY_WRAPS: Final[dict[str, Callable[[], bytes]]] = {
    "interlaced 16-bit PNG": interlaced_png,
    "16-bit grey PNG": grey_png,
    "animated PNG": animated_png,
    "PNG with much behind its rows": noisy_tail_png,
    "PNG with large metadata": metadata_png,
    "JPEG with large metadata": metadata_jpeg,
    "TIFF that unpacks to 1 GB": lambda: _packed_tiff(8, _zeros(1_000_000_000)),
    "TIFF of runs": lambda: _packed_tiff(32_773, b"\x81\0" * 15_000_000),
    "TIFF of many directories": directories_tiff,
}
