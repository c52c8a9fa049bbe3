"""What a file says about itself, read without decoding a pixel.

Decoders allocate what a header asks for, so the limits of the decode policy are
checked here, on the few bytes that name a format and its size. The file's extension is
never looked at. All parsers are written for hostile bytes: they read inside the data
only and their work is bounded.
"""

import struct
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.images.bmp import read_bmp
from fcn_core.images.jpeg import read_jpeg
from fcn_core.images.jpeg_size import check_jpeg
from fcn_core.images.limits import DEFAULT_LIMITS, DecodeLimits, Header, check_size
from fcn_core.images.png import read_image_header
from fcn_core.images.signatures import sniff
from fcn_core.images.tiff import read_tiff


def read_header(
    data: bytes,
    limits: DecodeLimits = DEFAULT_LIMITS,
    *,
    max_side: int | None = None,
) -> Header:
    """Reads format and size of an encoded image and checks them against the limits.

    Args:
        data: The whole file.
        limits: What is refused.
        max_side: The working size, to which a JPEG may be decoded smaller; None decodes
            every pixel.

    Raises:
        BadImage: `empty`, `too-many-bytes`, `not-an-image`, `unsupported-format`,
            `unsupported-variant`, `bad-header`, `zero-size`, `too-many-pixels`,
            `extreme-aspect` or `too-many-scans`.
    """
    if not data:
        raise BadImage("empty", "the file has 0 bytes: upload it again")
    if len(data) > limits.max_bytes:
        raise BadImage(
            "too-many-bytes",
            f"{len(data)} bytes, at most {limits.max_bytes} are read: "
            "save the photo smaller",
        )
    header = _PARSERS[sniff(data)](data)
    if header.format == "JPEG":
        check_jpeg(header, limits, max_side=max_side)
    else:
        is_webp = header.format == "WEBP"
        check_size((header.height, header.width), limits, is_webp=is_webp)
    return header


def _read_webp(data: bytes) -> Header:
    if len(data) < 30:
        raise BadImage("bad-header", "a WebP of fewer than 30 bytes")
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        packed_width, packed_height = struct.unpack_from("<HH", data, 26)
        width, height = packed_width & 0x3FFF, packed_height & 0x3FFF
    else:
        raise BadImage("bad-header", "a WebP whose first chunk holds no size")
    if len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise BadImage("corrupt", "the WebP ends before the length that it declares")
    return Header("WEBP", height, width)


def _read_gif(data: bytes) -> Header:
    if len(data) < 13:
        raise BadImage("bad-header", "a GIF without a screen descriptor")
    width, height = struct.unpack_from("<HH", data, 6)
    return Header("GIF", height, width)


_PARSERS: Final = {
    "JPEG": read_jpeg,
    "PNG": read_image_header,
    "WEBP": _read_webp,
    "GIF": _read_gif,
    "BMP": read_bmp,
    "TIFF": read_tiff,
}
