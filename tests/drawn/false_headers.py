"""Hostile files whose headers ask for too much, lie, or name rare variants."""

import random
import struct
from collections.abc import Iterator

from tests.drawn import image_parts
from tests.drawn.hostile_case import Case, saved, textured


def _declaring(height: int, width: int) -> dict[str, bytes]:
    """Returns small files of all formats that declare a size."""
    files = {
        "png": image_parts.png(height, width, bytes(90)),
        "tif": image_parts.grey_tiff(height, width, bytes(90)),
        "bmp": image_parts.bmp_header(height, width) + bytes(90),
    }
    if max(height, width) < 2**16:
        gif = b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)
        frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0)
        files["gif"] = gif + frame + b"\2\2\x44\1\0;"
        frame = image_parts.jpeg_frame(height, width)
        scan = image_parts.jpeg_scan_header() + bytes(90)
        files["jpg"] = b"\xff\xd8" + frame + scan + b"\xff\xd9"
    return files


def bombs(rng: random.Random) -> Iterator[Case]:
    for height, width in ((60_000, 60_000), (7_100, 7_100), (32_000, 2_000)):
        for suffix, data in _declaring(height, width).items():
            why = f"{len(data)} bytes that declare {width}x{height} pixels"
            yield Case(suffix, data, "too-many-pixels", why)
    for suffix, data in _declaring(2**31 - 1, 2**31 - 1).items():
        yield Case(suffix, data, "too-many-pixels", "the largest size there is")
    for height, width in ((6_000, 6_000), (16_383, 16_383)):
        bomb = image_parts.webp_lossless_header(height, width)
        yield Case("webp", bomb, "too-many-pixels", f"WebP of {width}x{height}")
    canvas = image_parts.webp_canvas(2**24, 2**24)
    yield Case("webp", canvas, "too-many-pixels", "the largest WebP canvas")
    for height, width in ((1, 201), (2_010, 10), (32_769, 1_000), (1, 65_500)):
        for suffix, data in _declaring(height, width).items():
            yield Case(suffix, data, "extreme-aspect", f"{width}x{height} pixels")
    yield Case("webp", image_parts.webp_canvas(1, 16_000), "extreme-aspect", "a line")
    for height, width in ((0, 80), (60, 0), (0, 0)):
        for suffix, data in _declaring(height, width).items():
            yield Case(suffix, data, "zero-size", f"{width}x{height} pixels")


def scan_bombs(rng: random.Random) -> Iterator[Case]:
    for scans in (101, 2_000, 5_000):
        for progressive in (True, False):
            data = image_parts.scan_bomb(
                2_000, 2_000, scans=scans, progressive=progressive
            )
            why = f"{scans} scans, {'progressive' if progressive else 'sequential'}"
            yield Case("jpg", data, "too-many-scans", why)


def lying_headers(rng: random.Random) -> Iterator[Case]:
    png = image_parts.png(600, 800, image_parts.png_rows(textured(60, 80, 1)))
    yield Case("png", png, "corrupt", "a PNG with a tenth of its rows")
    bmp = bytearray(saved("BMP"))
    bmp[18:26] = struct.pack("<ii", 800, 600)
    yield Case("bmp", bytes(bmp), "corrupt", "a BMP with a hundredth of its pixels")
    strip = image_parts.grey_tiff(600, 800, bytes(4_800))
    yield Case("tif", strip, "corrupt", "a TIFF with a hundredth of its pixels")
    jpeg = _resized_jpeg(saved("JPEG"), 600, 800)
    yield Case("jpg", jpeg, "corrupt", "a JPEG that declares 100 times more")
    jpeg = _resized_jpeg(saved("JPEG"), 40, 80)
    yield Case("jpg", jpeg, "corrupt-strict", "a JPEG that declares less than it has")
    frame = image_parts.jpeg_frame(60, 80)
    twice = saved("JPEG").replace(b"\xff\xda", frame + b"\xff\xda", 1)
    yield Case("jpg", twice, "corrupt", "a JPEG with two frame headers")
    yield Case(
        "webp",
        image_parts.webp_canvas(90, 90),
        "bad-header",
        "a WebP canvas without pixels",
    )
    yield Case(
        "jpg",
        b"\xff\xd8" + image_parts.jpeg_segment(0xE0, b"JFIF\0") * 5_000,
        "bad-header",
        "a JPEG of 5000 application segments",
    )
    yield Case(
        "jpg", b"\xff\xd8" + b"\xff" * 100_000, "bad-header", "a JPEG of fill bytes"
    )


def _resized_jpeg(data: bytes, height: int, width: int) -> bytes:
    """Returns a JPEG whose frame header declares another size."""
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def variants(rng: random.Random) -> Iterator[Case]:
    scan = image_parts.jpeg_scan_header() + bytes(90) + b"\xff\xd9"
    two = ((1, 1), (1, 1))
    frames = {
        "12-bit JPEG": image_parts.jpeg_frame(60, 80, marker=0xC1, bits=12),
        "lossless JPEG": image_parts.jpeg_frame(60, 80, marker=0xC3),
        "hierarchical JPEG": image_parts.jpeg_frame(60, 80, marker=0xC5),
        "lossless arithmetic JPEG": image_parts.jpeg_frame(60, 80, marker=0xCB),
        "two-component JPEG": image_parts.jpeg_frame(60, 80, sampling=two),
        "five-component JPEG": image_parts.jpeg_frame(
            60, 80, sampling=two * 2 + two[:1]
        ),
    }
    for what, frame in frames.items():
        yield Case("jpg", b"\xff\xd8" + frame + scan, "unsupported-variant", what)
    for number, name in (
        (6, "old JPEG"),
        (32809, "ThunderScan"),
        (34925, "LZMA"),
        (50000, "Zstandard"),
        (50001, "WebP"),
    ):
        data = image_parts.grey_tiff(4, 4, bytes(16), compression=number)
        yield Case("tif", data, "unsupported-variant", f"TIFF compressed with {name}")
    floats = image_parts.grey_tiff(4, 4, bytes(64), bits=32, sample_format=3)
    yield Case("tif", floats, "unsupported-variant", "TIFF of floats")
    integers = image_parts.grey_tiff(4, 4, bytes(64), bits=32, sample_format=2)
    yield Case("tif", integers, "unsupported-variant", "TIFF of 32-bit integers")
    for bits, compression in ((7, 0), (24, 9), (16, 77)):
        data = image_parts.bmp_header(4, 4, bits=bits, compression=compression) + bytes(
            64
        )
        why = f"BMP of {bits} bits, compression {compression}"
        yield Case("bmp", data, "unsupported-variant", why)
