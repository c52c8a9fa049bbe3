"""Hostile files: images that must be refused, each with the reason it must get.

The reason is fixed here, from how a file is built, before any decoder is asked. So the
generator is an oracle: `generate(seed, count)` gives files for the decoder's own tests
and for whole nights that must survive them. Bytes come from seeds only.
"""

import functools
import gzip
import io
import json
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from tests.drawn import image_parts


class HostileFile(NamedTuple):
    """One file that must be refused.

    Attributes:
        name: a file name; its extension is often a lie.
        data: the bytes.
        reason: the reason that the decode policy must give.
        why: what is wrong with it.
    """

    name: str
    data: bytes
    reason: str
    why: str


class _Case(NamedTuple):
    suffix: str
    data: bytes
    reason: str
    why: str


def generate(seed: int = 0, count: int | None = None) -> list[HostileFile]:
    """Returns hostile files: every kind once, then more damage until `count`.

    Args:
        seed: of the damage, the sizes and the order.
        count: how many; None = every kind once (more than 150). Fewer than that is a
            random choice.
    """
    rng = random.Random(seed)
    cases = [case for family in _FAMILIES for case in family(rng)]
    count = len(cases) if count is None else count
    rng.shuffle(cases)
    while len(cases) < count:
        cases.extend(_truncated(rng))
        cases.extend(_damaged_scans(rng))
        cases.extend(_damaged_others(rng))
    return [
        HostileFile(f"hostile-{number:04d}.{case.suffix}", *case[1:])
        for number, case in enumerate(cases[:count])
    ]


def textured(height: int, width: int, seed: int) -> np.ndarray:
    """Returns uint8 [height, width, 3]: noise over a slope, hard to compress."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0, 120, width)[None, :, None]
    noise = rng.integers(0, 130, (height, width, 3))
    return (slope + noise).astype(np.uint8)


@functools.cache
def _saved(kind: str, seed: int = 0, **options: object) -> bytes:
    """Returns a good file of a format; only written by the library, never read."""
    file = io.BytesIO()
    image = Image.fromarray(textured(60, 80, seed))
    if kind == "GIF":
        image = image.quantize(64)
    image.save(file, kind, **options)
    return file.getvalue()


def _nothing(rng: random.Random) -> Iterator[_Case]:
    yield _Case("jpg", b"", "empty", "zero length")
    yield _Case("png", b"", "empty", "zero length")
    for length in (1, 2):
        start = b"\xff\xd8"[:length]
        yield _Case("jpg", start, "not-an-image", f"the first {length} bytes of a JPEG")
    yield _Case("jpg", bytes(4096), "not-an-image", "zeros only")
    yield _Case("jpg", b"\xff" * 4096, "not-an-image", "ones only")
    noise = b"\x17" + rng.randbytes(3000)
    yield _Case("jpg", noise, "not-an-image", "random bytes")


def _archive(kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo("photo.jpg"), _saved("JPEG"))
    else:
        with tarfile.open(fileobj=file, mode="w") as archive:
            member = tarfile.TarInfo("photo.jpg")
            member.size = len(_saved("JPEG"))
            archive.addfile(member, io.BytesIO(_saved("JPEG")))
    return file.getvalue()


def _other_files(rng: random.Random) -> Iterator[_Case]:
    ftyp = b"\0\0\0\x18ftyp%s\0\0\2\0isommp41"
    files = {
        "text": b"BM stands for bitmap, but this is a letter.\n" * 20,
        "text in UTF-16": "\ufeffnot a photo".encode("utf-16-le"),
        "HTML": b"<!DOCTYPE html><title>404 Not Found</title>",
        "JSON": json.dumps({"error": "quota exceeded"}).encode(),
        "XML": b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
        "script": b'#!/bin/sh\nrm -rf "$HOME"\n',
        "program (ELF)": b"\x7fELF\2\1\1" + bytes(60),
        "program (PE)": b"MZ\x90\0" + bytes(60),
        "Java class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(40),
        "PDF": b"%PDF-1.7\n" + bytes(40),
        "ZIP": _archive("zip"),
        "tar": _archive("tar"),
        "gzip": gzip.compress(_saved("JPEG"), mtime=0),
        "xz": lzma.compress(_saved("JPEG")),
        "zlib": zlib.compress(_saved("BMP")),
        "film (MP4)": ftyp % b"isom" + bytes(40),
        "film (Matroska)": b"\x1a\x45\xdf\xa3" + bytes(40),
        "film (AVI)": b"RIFF\x40\0\0\0AVI LIST" + bytes(40),
        "sound (WAV)": b"RIFF\x40\0\0\0WAVEfmt " + bytes(40),
        "sound (MP3)": b"ID3\4\0\0\0\0\0\0" + bytes(40),
        "sound (Ogg)": b"OggS\0\2" + bytes(40),
        "SQLite": b"SQLite format 3\0" + bytes(84),
        "Parquet": b"PAR1" + bytes(40) + b"PAR1",
        "NumPy array": b"\x93NUMPY\1\0" + bytes(40),
        "pickle": b"\x80\4\x95\n\0\0\0\0\0\0\0cos\nsystem\n.",
        "font": b"\0\1\0\0\0\x0f\0\x80" + bytes(40),
        "Word document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40),
        "mail": b"From: a@example.org\r\n\r\n",
        "JPEG in base64": b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcG",
        "BMP with an unknown header": b"BM" + bytes(12) + b"\x17\0\0\0" + bytes(60),
    }
    for what, data in files.items():
        suffix = rng.choice(("jpg", "jpeg", "png", "JPG", "webp", "tif"))
        yield _Case(suffix, data, "not-an-image", what)


def _other_pictures(rng: random.Random) -> Iterator[_Case]:
    ftyp = b"\0\0\0\x1cftyp%s\0\0\0\0%s%s" + bytes(40)
    raw = image_parts.grey_tiff(4, 4, bytes(16), photometric=32803)
    preview = image_parts.tiff(
        {256: (4, [2]), 257: (4, [2]), 254: (4, [1]), 330: (4, [8, 8]), 258: (3, [8])},
        bytes(4),
    )
    files = {
        "HEIC": ftyp % (b"heic", b"mif1", b"heic"),
        "HEIC (HDR)": ftyp % (b"heix", b"mif1", b"heix"),
        "HEIF by its compatible brand": ftyp % (b"abcd", b"mif1", b"miaf"),
        "HEIF sequence": ftyp % (b"msf1", b"msf1", b"hevc"),
        "AVIF": ftyp % (b"avif", b"mif1", b"miaf"),
        "AVIF sequence": ftyp % (b"avis", b"msf1", b"avif"),
        "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(60),
        "CR3": ftyp % (b"crx ", b"isom", b"crx "),
        "CRW": b"II\x1a\0\0\0HEAPCCDR" + bytes(60),
        "NEF": preview,
        "ARW": image_parts.grey_tiff(4, 4, bytes(16), compression=32767),
        "NEF by compression": image_parts.grey_tiff(4, 4, bytes(16), compression=34713),
        "PEF": image_parts.grey_tiff(4, 4, bytes(16), compression=65535, order=">"),
        "DNG": image_parts.tiff(
            {256: (4, [4]), 257: (4, [4]), 50706: (4, [4])}, bytes(16)
        ),
        "DNG by its sensor data": raw,
        "ORF": b"IIRO\x08\0\0\0" + bytes(60),
        "ORF (second kind)": b"IIRS\x08\0\0\0" + bytes(60),
        "RW2": b"IIU\0\x18\0\0\0" + bytes(60),
        "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(60),
        "X3F": b"FOVb\0\0\2\0" + bytes(60),
        "MRW": b"\0MRM\0\0\1\0" + bytes(60),
        "BigTIFF": b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + bytes(60),
        "BigTIFF, big endian": b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10" + bytes(60),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60),
        "JPEG 2000 codestream": b"\xff\x4f\xff\x51\0\x2f" + bytes(60),
        "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60),
        "JPEG XL codestream": b"\xff\x0a" + bytes(60),
        "Photoshop": b"8BPS\0\1" + bytes(60),
        "icon": b"\0\0\1\0\1\0\x10\x10" + bytes(60),
        "OpenEXR": b"\x76\x2f\x31\x01\2\0\0\0" + bytes(60),
        "Radiance": b"#?RADIANCE\n" + bytes(60),
        "DirectDraw": b"DDS \x7c\0\0\0" + bytes(120),
        "QOI": b"qoif\0\0\0\1\0\0\0\1\3\0" + bytes(8),
        "PPM": b"P6\n4 4\n255\n" + bytes(48),
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    }
    for what, data in files.items():
        suffix = rng.choice(("jpg", "jpg", "png", "heic", "nef", "tif"))
        yield _Case(suffix, data, "unsupported-format", what)


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


def _bombs(rng: random.Random) -> Iterator[_Case]:
    for height, width in ((60_000, 60_000), (7_100, 7_100), (32_000, 2_000)):
        for suffix, data in _declaring(height, width).items():
            why = f"{len(data)} bytes that declare {width}x{height} pixels"
            yield _Case(suffix, data, "too-many-pixels", why)
    for suffix, data in _declaring(2**31 - 1, 2**31 - 1).items():
        yield _Case(suffix, data, "too-many-pixels", "the largest size there is")
    for height, width in ((6_000, 6_000), (16_383, 16_383)):
        bomb = image_parts.webp_lossless_header(height, width)
        yield _Case("webp", bomb, "too-many-pixels", f"WebP of {width}x{height}")
    canvas = image_parts.webp_canvas(2**24, 2**24)
    yield _Case("webp", canvas, "too-many-pixels", "the largest WebP canvas")
    for height, width in ((1, 201), (2_010, 10), (32_769, 1_000), (1, 65_500)):
        for suffix, data in _declaring(height, width).items():
            yield _Case(suffix, data, "extreme-aspect", f"{width}x{height} pixels")
    yield _Case("webp", image_parts.webp_canvas(1, 16_000), "extreme-aspect", "a line")
    for height, width in ((0, 80), (60, 0), (0, 0)):
        for suffix, data in _declaring(height, width).items():
            yield _Case(suffix, data, "zero-size", f"{width}x{height} pixels")


def _scan_bombs(rng: random.Random) -> Iterator[_Case]:
    for scans in (101, 2_000, 5_000):
        for progressive in (True, False):
            data = image_parts.scan_bomb(
                2_000, 2_000, scans=scans, progressive=progressive
            )
            why = f"{scans} scans, {'progressive' if progressive else 'sequential'}"
            yield _Case("jpg", data, "too-many-scans", why)


def _lying_headers(rng: random.Random) -> Iterator[_Case]:
    png = image_parts.png(600, 800, image_parts.png_rows(textured(60, 80, 1)))
    yield _Case("png", png, "corrupt", "a PNG with a tenth of its rows")
    bmp = bytearray(_saved("BMP"))
    bmp[18:26] = struct.pack("<ii", 800, 600)
    yield _Case("bmp", bytes(bmp), "corrupt", "a BMP with a hundredth of its pixels")
    strip = image_parts.grey_tiff(600, 800, bytes(4_800))
    yield _Case("tif", strip, "corrupt", "a TIFF with a hundredth of its pixels")
    jpeg = _resized_jpeg(_saved("JPEG"), 600, 800)
    yield _Case("jpg", jpeg, "corrupt-strict", "a JPEG that declares 100 times more")
    jpeg = _resized_jpeg(_saved("JPEG"), 40, 80)
    yield _Case("jpg", jpeg, "corrupt-strict", "a JPEG that declares less than it has")
    frame = image_parts.jpeg_frame(60, 80)
    twice = _saved("JPEG").replace(b"\xff\xda", frame + b"\xff\xda", 1)
    yield _Case("jpg", twice, "corrupt", "a JPEG with two frame headers")
    yield _Case(
        "webp",
        image_parts.webp_canvas(90, 90),
        "bad-header",
        "a WebP canvas without pixels",
    )
    yield _Case(
        "jpg",
        b"\xff\xd8" + image_parts.jpeg_segment(0xE0, b"JFIF\0") * 5_000,
        "bad-header",
        "a JPEG of 5000 application segments",
    )
    yield _Case(
        "jpg", b"\xff\xd8" + b"\xff" * 100_000, "bad-header", "a JPEG of fill bytes"
    )


def _resized_jpeg(data: bytes, height: int, width: int) -> bytes:
    """Returns a JPEG whose frame header declares another size."""
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def _variants(rng: random.Random) -> Iterator[_Case]:
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
        yield _Case("jpg", b"\xff\xd8" + frame + scan, "unsupported-variant", what)
    for number, name in (
        (6, "old JPEG"),
        (32809, "ThunderScan"),
        (34925, "LZMA"),
        (50000, "Zstandard"),
        (50001, "WebP"),
    ):
        data = image_parts.grey_tiff(4, 4, bytes(16), compression=number)
        yield _Case("tif", data, "unsupported-variant", f"TIFF compressed with {name}")
    floats = image_parts.grey_tiff(4, 4, bytes(64), bits=32, sample_format=3)
    yield _Case("tif", floats, "unsupported-variant", "TIFF of floats")
    integers = image_parts.grey_tiff(4, 4, bytes(64), bits=32, sample_format=2)
    yield _Case("tif", integers, "unsupported-variant", "TIFF of 32-bit integers")
    for bits, compression in ((7, 0), (24, 9), (16, 77)):
        data = image_parts.bmp_header(4, 4, bits=bits, compression=compression) + bytes(
            64
        )
        why = f"BMP of {bits} bits, compression {compression}"
        yield _Case("bmp", data, "unsupported-variant", why)


def _broken_png(rng: random.Random) -> Iterator[_Case]:
    good = image_parts.png(60, 80, rows := image_parts.png_rows(textured(60, 80, 2)))
    head = image_parts.PNG_SIGNATURE + good[8:33]
    end = image_parts.png_chunk(b"IEND", b"")
    pixels = zlib.compress(rows, 1)
    palette = image_parts.png_chunk(b"PLTE", bytes(30), wrong_checksum=True)
    late = pixels[: len(pixels) // 2]
    checksum = image_parts.png_chunk(b"IDAT", pixels, wrong_checksum=True)
    corrupt = {
        "wrong checksum of the header": good[:29] + b"\0\0\0\0" + good[33:],
        "wrong checksum of the pixels": head + checksum + end,
        "wrong checksum of the palette": good[:33] + palette + good[33:],
        "no end chunk": good[:-12],
        "a cut end chunk": good[:-1],
        "no pixels": head + end,
        "half of the pixels, rightly chunked": head
        + image_parts.png_chunk(b"IDAT", late)
        + end,
        "pixels that are not compressed": head
        + image_parts.png_chunk(b"IDAT", rows)
        + end,
        "an unknown row filter": image_parts.png(1, 1, b"\x09\0\0\0"),
        "a chunk longer than the file": good[:33] + b"\x7f\xff\xff\xffIDAT" + good[41:],
    }
    for why, data in corrupt.items():
        yield _Case("png", data, "corrupt", f"PNG with {why}")
    mangled = good.replace(b"\r\n", b"\n", 1)
    headers = {
        "changed line ends": mangled,
        "no header chunk": image_parts.PNG_SIGNATURE + good[33:],
        "3 bits a channel": image_parts.png(60, 80, rows, bits=3),
        "colour type 5": image_parts.png(60, 80, rows, colours=5),
        "interlacing 7": image_parts.png(60, 80, rows, interlace=7),
    }
    for why, data in headers.items():
        yield _Case("png", data, "bad-header", f"PNG with {why}")


_CUTS: dict[str, tuple[tuple[int, str], ...]] = {
    # From which length on a cut file gets which reason.
    "PNG": ((4, "bad-header"), (33, "corrupt")),
    "WEBP": ((12, "bad-header"), (30, "corrupt")),
    "BMP": ((18, "bad-header"), (54, "corrupt")),
}


def _truncated(rng: random.Random) -> Iterator[_Case]:
    """Yields cut files: the place is random, what is missing there is known."""
    seed = rng.randrange(1_000)
    for kind, steps in _CUTS.items():
        good = _saved(kind, seed)
        ends = [start for start, _ in steps[1:]] + [len(good)]
        for (start, reason), end in zip(steps, ends, strict=True):
            cut = rng.randrange(start, end)
            why = f"the first {cut} of {len(good)} bytes of a {kind}"
            yield _Case(kind.lower(), good[:cut], reason, why)
    for options in ({}, {"progressive": True}, {"quality": 95}):
        good = _saved("JPEG", seed, **options)
        scan = good.index(b"\xff\xda")
        cut = rng.randrange(3, scan)
        yield _Case("jpg", good[:cut], "bad-header", "a JPEG cut before its first scan")
        cut = rng.randrange(scan + 14, len(good) - 1)
        yield _Case("jpg", good[:cut], "corrupt", f"a JPEG cut to {cut} bytes")
    good = _saved("GIF", seed)
    cut = rng.randrange(6, 13)
    yield _Case("gif", good[:cut], "bad-header", "a GIF cut in its header")
    cut = rng.randrange(len(good) // 2, len(good) * 9 // 10)
    yield _Case("gif", good[:cut], "corrupt", "a GIF cut in its pixels")
    strip = image_parts.grey_tiff(60, 80, bytes(rng.randrange(4_700)))
    yield _Case("tif", strip, "corrupt", "a TIFF cut in its pixels")


def _damaged_scans(rng: random.Random) -> Iterator[_Case]:
    """Yields JPEGs that lenient decoders show, with wrong pixels.

    Only damage that cannot by chance leave a valid scan.
    """
    good = _saved("JPEG", rng.randrange(1_000), quality=90)
    scan, end = good.index(b"\xff\xda") + 14, len(good) - 2
    at = rng.randrange(scan, scan + (end - scan) // 2)
    far = at + (end - at) // 2
    ones = b"\xff\0" * 40
    damages: dict[str, bytes] = {
        # No Huffman code is all ones.
        "a run of ones in the scan": good[:at] + ones + good[at + 80 :],
        "the end of the scan missing": good[:far] + good[end:],
        "more scan than picture": good[:end] + good[at:far] + good[end:],
        "an end marker in the scan": good[:at] + b"\xff\xd9" + good[at:],
    }
    for why, data in damages.items():
        yield _Case("jpg", data, "corrupt-strict", f"JPEG with {why}")
    flipped = bytearray(good)
    for place in range(at, end - 40, 40):
        flipped[place : place + 2] = b"\xff\xd3"  # a restart that nobody announced
    yield _Case("jpg", bytes(flipped), "corrupt-strict", "JPEG with stray restarts")


def _damaged_others(rng: random.Random) -> Iterator[_Case]:
    """Yields PNGs with one wrong bit: the checksum of its chunk betrays it."""
    good = bytearray(_saved("PNG", rng.randrange(1_000)))
    pixels = good.index(b"IDAT") + 4
    at = rng.randrange(pixels, len(good) - 20)
    good[at] ^= 1 << rng.randrange(8)
    yield _Case("png", bytes(good), "corrupt", f"PNG with a wrong bit in byte {at}")


_FAMILIES: tuple[Callable[[random.Random], Iterator[_Case]], ...] = (
    _nothing,
    _other_files,
    _other_pictures,
    _bombs,
    _scan_bombs,
    _lying_headers,
    _variants,
    _broken_png,
    _truncated,
    _damaged_scans,
    _damaged_others,
)
