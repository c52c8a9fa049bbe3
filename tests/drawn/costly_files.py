"""Files that ask for much work or memory with few bytes, just within the limits."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, TiffImagePlugin

from tests.drawn import dense_jpeg, image_parts
from tests.drawn.costly_wraps import COSTLY_WRAPS

SIDE: Final = 7_071
"""Of the largest square photo that is decoded."""

_WEBP_SIDE: Final = 5_656
_END: Final = image_parts.png_chunk(b"IEND", b"")


def _noise(height: int, width: int, channels: int = 3) -> Image.Image:
    rng = np.random.default_rng(7)
    tile = rng.integers(0, 256, (256, 256, channels), np.uint8).squeeze()
    repeats = (-(-height // 256), -(-width // 256), 1)[: tile.ndim]
    return Image.fromarray(np.tile(tile, repeats)[:height, :width].copy())


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def many_scans(scans: int, side: int, *, end: bytes = b"\xff\xd9") -> bytes:
    """Levels, then one coefficient after the other, each a pass over the picture."""
    return image_parts.scans_of_coefficients(side, scans=scans)[:-2] + end


def arithmetic_jpeg() -> bytes:
    """Ten scans of chance, as large as those may be whose coding is slow."""
    side = 4_464
    coded = np.random.default_rng(3).integers(0, 255, 5_000_000, np.uint8).tobytes()
    head = image_parts.jpeg_segment(0xDB, b"\0" + b"\1" * 64)
    parts = [b"\xff\xd8", head, image_parts.jpeg_frame(side, side, marker=0xCA)]
    for low in range(9, -1, -1):
        order = low if low == 9 else low + 1 << 4 | low
        spectrum = (0, 0) if low == 9 else (1, 63)
        component = (1, 2, 3) if low == 9 else (1,)
        bits = {9: 0, 8: 8}.get(low, order)
        parts.append(
            image_parts.jpeg_scan_header(component, spectrum=spectrum, bits=bits)
        )
        parts.append(coded)
    return b"".join(parts) + b"\xff\xd9"


def large_jpeg(**options: object) -> bytes:
    return _saved(_noise(SIDE, SIDE), "JPEG", **options)


def inks_jpeg() -> bytes:
    image = _noise(SIDE, SIDE, 4)
    inks = Image.frombytes("CMYK", image.size, image.tobytes())
    return _saved(inks, "JPEG", quality=15, progressive=True, subsampling=0)


def reduced_jpeg() -> bytes:
    return image_parts.flat_jpeg(15_900, 16_000)


def damaged_jpeg() -> bytes:
    data = large_jpeg(quality=60)
    middle = len(data) // 2
    return data[:middle] + data[middle + 40 :]


def tailed_jpeg() -> bytes:
    data = large_jpeg(quality=60)
    return data[:-2] + bytes(range(1, 200)) * 20 + data[-2:]


def rare_jpeg() -> bytes:
    return image_parts.flat_jpeg(SIDE, SIDE, sampling=((2, 2), (1, 2), (1, 1)))


def segments_jpeg() -> bytes:
    remark = image_parts.jpeg_segment(0xFE, b"")
    return b"\xff\xd8" + remark * 4_000 + b"\xff\x01" * 15_000_000


def _png_of(pixels: bytes, *, before: bytes = b"", colours: int, bits: int) -> bytes:
    frame = struct.pack(">IIBBBBB", SIDE, SIDE, bits, colours, 0, 0, 0)
    chunks = (image_parts.png_chunk(b"IHDR", frame), before, pixels, _END)
    return image_parts.PNG_SIGNATURE + b"".join(chunks)


def _rows(channels: int, size: int) -> bytes:
    packer = zlib.compressobj(1)
    row = bytes(1 + SIDE * channels * size)
    return b"".join([*(packer.compress(row) for _ in range(SIDE)), packer.flush()])


def deep_png() -> bytes:
    pixels = image_parts.png_chunk(b"IDAT", _rows(4, 2))
    return _png_of(pixels, colours=6, bits=16)


def chunked_png(before: bytes = b"") -> bytes:
    """16-bit RGB in pieces of one byte, or behind other chunks."""
    rows = _rows(3, 1)
    cut = [rows[at : at + 1] for at in range(min(len(rows), 190_000))]
    last = rows[len(cut) :]
    pieces = b"".join(image_parts.png_chunk(b"IDAT", one) for one in [*cut, last])
    return _png_of(pieces, before=before, colours=2, bits=8)


def empty_chunks_png() -> bytes:
    return chunked_png(image_parts.png_chunk(b"teSt", b"") * 5_000_000)


def texts_png() -> bytes:
    bomb = zlib.compress(bytes(30_000_000), 9)
    text = image_parts.png_chunk(b"zTXt", b"Comment\0\0" + bomb)
    profile = image_parts.png_chunk(b"iCCP", b"p\0\0" + bomb)
    return chunked_png(text * 400 + profile)


def strips_tiff(kind: str) -> bytes:
    """One row a strip."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[278] = 1
    return _saved(
        Image.new("RGB", (SIDE, SIDE // 3), (9, 8, 7)),
        "TIFF",
        compression=kind,
        tiffinfo=tags,
    )


def deep_tiff(photometric: int, samples: int) -> bytes:
    height = 200_000_000 // (SIDE * samples * 2)
    strip = zlib.compress(bytes(SIDE * samples * 2) * height, 1)
    tags = {
        256: (4, [SIDE]),
        257: (4, [height]),
        258: (3, [16] * samples),
        259: (3, [8]),
        262: (3, [photometric]),
        277: (3, [samples]),
        278: (4, [height]),
    }
    return image_parts.tiff(tags, strip)


def animation(kind: str, side: int, frames: int) -> bytes:
    image = Image.new("P" if kind == "GIF" else "RGB", (side, side))
    spots = []
    for number in range(frames):
        spot = image.copy()
        spot.putpixel(
            (number % side, number // side), 1 if kind == "GIF" else (9, 9, 9)
        )
        spots.append(spot)
    return _saved(spots[0], kind, save_all=True, append_images=spots[1:])


def many_frames_gif() -> bytes:
    data = animation("GIF", 100, 2)
    frame = data[data.rindex(b"\x21\xf9") : -1]
    return data[:-1] + frame * (30_000_000 // len(frame)) + b";"


def runs_bmp() -> bytes:
    """One run of 255 pixels after the other."""
    pixels = (b"\xff\x07" * (-(-SIDE // 255)) + b"\0\0") * SIDE + b"\0\1"
    offset = 54 + 1024
    size = struct.pack("<IHHI", offset + len(pixels), 0, 0, offset)
    head = struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 8, 1, len(pixels), 0, 0, 0, 0)
    return b"BM" + size + head + bytes(1024) + pixels


COSTLY: Final[dict[str, Callable[[], bytes]]] = {
    "60 scans": lambda: many_scans(60, 5_163),
    "60 scans, leftovers": lambda: many_scans(60, 5_163, end=bytes(9) + b"\xff\xd9"),
    "60 scans, no end": lambda: many_scans(60, 5_163, end=b""),
    "56 dense scans": lambda: dense_jpeg.dense_scans(5_344),
    "dense scans, leftovers": lambda: dense_jpeg.dense_scans(
        5_344, end=bytes(range(1, 90)) * 4 + b"\xff\xd9"
    ),
    "dense scans, no end": lambda: dense_jpeg.dense_scans(5_344, end=b""),
    "arithmetic scans": arithmetic_jpeg,
    "100 scans": lambda: many_scans(100, 4_000),
    "a large JPEG": lambda: large_jpeg(quality=90),
    "a large progressive JPEG": lambda: large_jpeg(quality=60, progressive=True),
    "a large progressive JPEG of inks": inks_jpeg,
    "256 megapixels": reduced_jpeg,
    "a damaged JPEG": damaged_jpeg,
    "a JPEG with a tail": tailed_jpeg,
    "rare sampling factors": rare_jpeg,
    "markers and remarks": segments_jpeg,
    "16-bit PNG with alpha": deep_png,
    "PNG in single bytes": chunked_png,
    "PNG of empty chunks": empty_chunks_png,
    "PNG with bombs of text": texts_png,
    "TIFF of rows": lambda: strips_tiff("raw"),
    "TIFF of rows, LZW": lambda: strips_tiff("tiff_lzw"),
    "16-bit CMYK TIFF": lambda: deep_tiff(5, 4),
    "16-bit RGB TIFF": lambda: deep_tiff(2, 3),
    "WebP": lambda: _saved(
        _noise(_WEBP_SIDE, _WEBP_SIDE), "WEBP", quality=80, method=0
    ),
    "WebP, lossless": lambda: _saved(
        Image.new("RGBA", (_WEBP_SIDE, _WEBP_SIDE), (9, 8, 7, 99)),
        "WEBP",
        lossless=True,
    ),
    "animated WebP": lambda: animation("WEBP", 2_000, 8),
    "animated GIF": lambda: animation("GIF", 4_000, 4),
    "GIF of many frames": many_frames_gif,
    "BMP of runs": runs_bmp,
    **COSTLY_WRAPS,
}
