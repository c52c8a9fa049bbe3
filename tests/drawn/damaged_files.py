"""Hostile files that were good: cut, or with wrong bytes."""

import random
import zlib
from collections.abc import Iterator

import numpy as np

from tests.drawn import image_parts
from tests.drawn.hostile_case import Case, saved, textured


def broken_pngs(rng: random.Random) -> Iterator[Case]:
    good = image_parts.png(60, 80, rows := image_parts.png_rows(textured(60, 80, 2)))
    head = image_parts.PNG_SIGNATURE + good[8:33]
    end = image_parts.png_chunk(b"IEND", b"")
    pixels = zlib.compress(rows, 1)
    palette = image_parts.png_chunk(b"PLTE", bytes(30), wrong_checksum=True)
    clear = image_parts.png_chunk(b"tRNS", bytes(6), wrong_checksum=True)
    indices = image_parts.png_rows(np.zeros((60, 80)))
    coloured = image_parts.png(60, 80, indices, colours=3, before=palette)
    late = pixels[: len(pixels) // 2]
    checksum = image_parts.png_chunk(b"IDAT", pixels, wrong_checksum=True)
    corrupt = {
        "wrong checksum of the header": good[:29] + b"\0\0\0\0" + good[33:],
        "wrong checksum of the pixels": head + checksum + end,
        "wrong checksum of the palette": coloured,
        "wrong checksum of the transparency": good[:33] + clear + good[33:],
        "cut pixels": good[:-13],
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
        yield Case("png", data, "corrupt", f"PNG with {why}")
    mangled = good.replace(b"\r\n", b"\n", 1)
    headers = {
        "changed line ends": mangled,
        "no header chunk": image_parts.PNG_SIGNATURE + good[33:],
        "3 bits a channel": image_parts.png(60, 80, rows, bits=3),
        "colour type 5": image_parts.png(60, 80, rows, colours=5),
        "interlacing 7": image_parts.png(60, 80, rows, interlace=7),
    }
    for why, data in headers.items():
        yield Case("png", data, "bad-header", f"PNG with {why}")


_CUTS: dict[str, tuple[tuple[int, str], ...]] = {
    # From which length on a cut file gets which reason.
    "PNG": ((4, "bad-header"), (33, "corrupt")),
    "WEBP": ((12, "bad-header"), (30, "corrupt")),
    "BMP": ((18, "bad-header"), (54, "corrupt")),
}


def cut_files(rng: random.Random) -> Iterator[Case]:
    """Yields cut files: the place is random, what is missing there is known."""
    seed = rng.randrange(1_000)
    for kind, steps in _CUTS.items():
        good = saved(kind, seed)
        # The end chunk of a PNG can be missed.
        whole = len(good) - (12 if kind == "PNG" else 0)
        ends = [start for start, _ in steps[1:]] + [whole]
        for (start, reason), end in zip(steps, ends, strict=True):
            cut = rng.randrange(start, end)
            why = f"the first {cut} of {len(good)} bytes of a {kind}"
            yield Case(kind.lower(), good[:cut], reason, why)
    for options in ({}, {"progressive": True}, {"quality": 95}):
        good = saved("JPEG", seed, **options)
        scan = good.index(b"\xff\xda")
        cut = rng.randrange(3, scan)
        yield Case("jpg", good[:cut], "bad-header", "a JPEG cut before its first scan")
        cut = rng.randrange(scan + 14, len(good) - 2)
        yield Case("jpg", good[:cut], "corrupt", f"a JPEG cut to {cut} bytes")
    good = saved("GIF", seed)
    cut = rng.randrange(6, 13)
    yield Case("gif", good[:cut], "bad-header", "a GIF cut in its header")
    cut = rng.randrange(len(good) // 2, len(good) * 9 // 10)
    yield Case("gif", good[:cut], "corrupt", "a GIF cut in its pixels")
    strip = image_parts.grey_tiff(60, 80, bytes(rng.randrange(4_700)))
    yield Case("tif", strip, "corrupt", "a TIFF cut in its pixels")


def damaged_scans(rng: random.Random) -> Iterator[Case]:
    """Yields JPEGs that lenient decoders show, with wrong pixels.

    Only damage that cannot by chance leave a valid scan.
    """
    good = saved("JPEG", rng.randrange(1_000), quality=90)
    scan, end = good.index(b"\xff\xda") + 14, len(good) - 2
    at = rng.randrange(scan, scan + (end - scan) // 2)
    far = at + (end - at) // 2
    ones = b"\xff\0" * 40
    damages: dict[str, bytes] = {
        # No Huffman code is all ones.
        "a run of ones in the scan": good[:at] + ones + good[at + 80 :],
        "the end of the scan missing": good[:far] + good[end:],
        "an end marker in the scan": good[:at] + b"\xff\xd9" + good[at:],
    }
    for why, data in damages.items():
        yield Case("jpg", data, "corrupt", f"JPEG with {why}")
    more = good[:end] + good[at:far] + good[end:]
    yield Case("jpg", more, "corrupt-strict", "JPEG with more scan than picture")
    flipped = bytearray(good)
    for place in range(at, end - 40, 40):
        flipped[place : place + 2] = b"\xff\xd3"  # an unannounced restart
    yield Case("jpg", bytes(flipped), "corrupt", "JPEG with stray restarts")


def damaged_pngs(rng: random.Random) -> Iterator[Case]:
    """Yields PNGs with one wrong bit: the checksum of its chunk betrays it."""
    good = bytearray(saved("PNG", rng.randrange(1_000)))
    pixels = good.index(b"IDAT") + 4
    at = rng.randrange(pixels, len(good) - 20)
    good[at] ^= 1 << rng.randrange(8)
    yield Case("png", bytes(good), "corrupt", f"PNG with a wrong bit in byte {at}")
