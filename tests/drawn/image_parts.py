"""Image files built byte by byte, for what no library would write.

The builders know nothing of the decoders that are tested with their files.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_chunk(kind: bytes, content: bytes, *, wrong_checksum: bool = False) -> bytes:
    """Returns one PNG chunk."""
    checksum = zlib.crc32(kind + content) ^ wrong_checksum
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )


def png(
    height: int,
    width: int,
    rows: bytes,
    *,
    bits: int = 8,
    colours: int = 2,
    interlace: int = 0,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Returns a PNG of already filtered rows.

    Args:
        height: Declared height.
        width: Declared width.
        rows: Each row with its filter number in front; compressed here.
        bits: Declared bits a channel.
        colours: Declared colour type (0 grey, 2 RGB, 3 palette, 4 grey+alpha, 6 RGBA).
        interlace: Declared interlacing.
        before: Whole chunks between IHDR and IDAT.
        after: Whole chunks between IDAT and IEND.
    """
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, interlace)
    return b"".join(
        (
            PNG_SIGNATURE,
            png_chunk(b"IHDR", header),
            before,
            png_chunk(b"IDAT", zlib.compress(rows, 1)),
            after,
            png_chunk(b"IEND", b""),
        )
    )


def png_rows(samples: NDArray[np.generic], *, bits: int = 8) -> bytes:
    """Returns unfiltered PNG rows of `[h, w]` or `[h, w, c]` samples of 1..16 bits."""
    height = samples.shape[0]
    if bits == 16:
        packed = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    elif bits == 8:
        packed = samples.astype(np.uint8).reshape(height, -1)
    else:
        places = np.arange(bits - 1, -1, -1)
        all_bits = samples.astype(np.uint8)[..., None] >> places & 1
        packed = np.packbits(all_bits.reshape(height, -1), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """Returns one JPEG segment with its length."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg_frame(
    height: int,
    width: int,
    *,
    marker: int = 0xC0,
    bits: int = 8,
    sampling: Sequence[tuple[int, int]] = ((1, 1), (1, 1), (1, 1)),
) -> bytes:
    """Returns a frame header; sampling is (horizontal, vertical) a component."""
    components = b"".join(
        bytes((number, across << 4 | down, 0))
        for number, (across, down) in enumerate(sampling, 1)
    )
    head = struct.pack(">BHHB", bits, height, width, len(sampling))
    return jpeg_segment(marker, head + components)


def jpeg_scan_header(
    components: Iterable[int] = (1, 2, 3),
    *,
    spectrum: tuple[int, int] = (0, 63),
    bits: int = 0,
) -> bytes:
    """Returns a start-of-scan segment for these component numbers."""
    numbers = list(components)
    selectors = b"".join(bytes((number, 0)) for number in numbers)
    return jpeg_segment(
        0xDA, bytes([len(numbers)]) + selectors + bytes((*spectrum, bits))
    )


# One code a table: category 0 (no difference) and end of block are the single bit 0.
_ONE_CODE_TABLES = b"".join(
    jpeg_segment(0xC4, bytes([kind]) + b"\1" + bytes(15) + b"\0")
    for kind in (0x00, 0x10)
)
_TABLES = jpeg_segment(0xDB, b"\0" + b"\1" * 64) + _ONE_CODE_TABLES


def flat_jpeg(
    height: int,
    width: int,
    *,
    sampling: Sequence[tuple[int, int]] = ((1, 1), (1, 1), (1, 1)),
    before: bytes = b"",
) -> bytes:
    """Returns a grey (128) JPEG whose every block is two zero bits."""
    across = max(h for h, _ in sampling)
    down = max(v for _, v in sampling)
    units = -(-height // (8 * down)) * -(-width // (8 * across))
    bits = 2 * units * sum(h * v for h, v in sampling)
    scan = bytes(bits // 8)
    if bits % 8:
        scan += bytes([0xFF >> bits % 8])  # padded with ones
    return b"".join(
        (
            b"\xff\xd8",
            before,
            _TABLES,
            jpeg_frame(height, width, sampling=sampling),
            jpeg_scan_header(range(1, 1 + len(sampling))),
            scan,
            b"\xff\xd9",
        )
    )


def scan_bomb(height: int, width: int, *, scans: int, progressive: bool) -> bytes:
    """Returns a JPEG that asks for many passes over the whole picture."""
    frame = jpeg_frame(height, width, marker=0xC2 if progressive else 0xC0)
    if progressive:
        # AC coefficients of one component, again and again.
        scan = jpeg_scan_header((1,), spectrum=(1, 63))
    else:
        scan = jpeg_scan_header((1,))
    return b"\xff\xd8" + _TABLES + frame + (scan + b"\0") * scans + b"\xff\xd9"


def scans_of_coefficients(side: int, *, scans: int) -> bytes:
    """Returns a sound progressive JPEG: a scan of levels, then one a coefficient."""
    blocks = (-(-side // 8)) ** 2
    parts = [b"\xff\xd8", _TABLES, jpeg_frame(side, side, marker=0xC2)]
    parts += [jpeg_scan_header(spectrum=(0, 0)), bytes(-(-3 * blocks // 8))]
    for number in range(scans - 1):
        component, place = divmod(number, 63)
        spectrum = (place + 1, place + 1)
        parts.append(jpeg_scan_header((component + 1,), spectrum=spectrum))
        parts.append(bytes(-(-blocks // 8)))
    return b"".join([*parts, b"\xff\xd9"])


def exif(orientation: int, *, order: str = "<", kind: int = 3) -> bytes:
    """Returns an EXIF block (with its name) that holds one orientation."""
    value = struct.pack(order + ("H2x" if kind == 3 else "I"), orientation)
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + value
    return b"Exif\0\0" + head + struct.pack(order + "H", 1) + entry + bytes(4)


def tiff(
    tags: Mapping[int, tuple[int, Sequence[int]]],
    pixels: bytes,
    *,
    order: str = "<",
) -> bytes:
    """Returns a one-page TIFF: header, pixels, directory.

    Args:
        tags: Number -> (type 3 = short or 4 = long, values); where the pixels start
            (273) and how many bytes they take (279) are added.
        pixels: One strip.
        order: "<" little or ">" big endian.
    """
    entries = {**tags, 273: (4, [8]), 279: (4, [len(pixels)])}
    at = 8 + len(pixels) + len(pixels) % 2
    behind = at + 2 + 12 * len(entries) + 4
    directory = struct.pack(order + "H", len(entries))
    far = b""
    for tag, (kind, values) in sorted(entries.items()):
        content = struct.pack(f"{order}{len(values)}{'HI'[kind - 3]}", *values)
        if len(content) > 4:
            place = struct.pack(order + "I", behind + len(far))
            far += content
            content = place
        directory += struct.pack(order + "HHI", tag, kind, len(values))
        directory += content.ljust(4, b"\0")
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, at)
    return head + pixels + bytes(len(pixels) % 2) + directory + bytes(4) + far


def grey_tiff(
    height: int,
    width: int,
    pixels: bytes,
    *,
    bits: int = 8,
    order: str = "<",
    **tags: int,
) -> bytes:
    """Returns a one-channel TIFF; tags such as `compression` replace the defaults."""
    numbers = {"compression": 259, "photometric": 262, "sample_format": 339}
    shorts = {258: bits, 259: 1, 262: 1, 277: 1}
    shorts |= {numbers[name]: value for name, value in tags.items()}
    entries = {tag: (3, [value]) for tag, value in shorts.items()}
    sizes = {256: (4, [width]), 257: (4, [height]), 278: (4, [height])}
    return tiff(entries | sizes, pixels, order=order)


def webp_canvas(height: int, width: int, chunks: bytes = b"") -> bytes:
    """Returns an extended WebP that declares a canvas."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    content = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + chunks
    return b"RIFF" + struct.pack("<I", len(content)) + content


def webp_lossless_header(height: int, width: int) -> bytes:
    """Returns the start of a lossless WebP of a declared size, without pixels."""
    packed = (width - 1) | (height - 1) << 14
    content = b"\x2f" + struct.pack("<I", packed) + bytes(5)
    chunk = b"WEBPVP8L" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(chunk)) + chunk


def bmp_header(
    height: int, width: int, *, bits: int = 24, compression: int = 0
) -> bytes:
    """Returns file and information header of a BMP, 54 bytes."""
    head = b"BM" + struct.pack("<IHHI", 54, 0, 0, 54)
    return head + struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0
    )
