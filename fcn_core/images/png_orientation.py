"""How a PNG is to be turned: from its EXIF chunk, or from EXIF in a text chunk.

Before PNG had a chunk for EXIF, ImageMagick and exiftool wrote it in hexadecimal digits
into a text named "Raw profile type exif" (or APP1), and many programs still do.
"""

import re
import zlib
from typing import Final

from fcn_core.images.tiff import exif_orientation

_SIGNATURE_LENGTH: Final = 8
_MAX_CHUNKS: Final = 10_000
_MAX_TEXT: Final = 2**20
_NAMES: Final = frozenset({b"Raw profile type exif", b"Raw profile type APP1"})
_PROFILE: Final = re.compile(
    rb"\s*(?:exif|APP1|generic profile)\s+\d+\s+([0-9a-fA-F\s]+)"
)


def png_orientation(data: bytes) -> int:
    """Returns EXIF orientation 1..8 of a PNG; 1 where it says nothing usable.

    The EXIF chunk decides where there is a sound one, wherever it stands.

    Args:
        data: The file.
    """
    in_text = 1
    position = _SIGNATURE_LENGTH
    for _ in range(_MAX_CHUNKS):
        head = data[position : position + 8]
        length, kind = int.from_bytes(head[:4]), head[4:]
        body = data[position + 8 : position + 8 + length]
        if len(head) < 8 or len(body) < length or kind == b"IEND":
            break
        if kind == b"eXIf" and zlib.crc32(kind + body) == _crc_after(data, position):
            return exif_orientation(body)
        if kind in (b"tEXt", b"zTXt") and in_text == 1:
            in_text = exif_orientation(_exif_in_text(kind, body))
        position += length + 12
    return in_text


def _crc_after(data: bytes, position: int) -> int:
    """Returns the checksum of the chunk at a position."""
    end = position + 8 + int.from_bytes(data[position : position + 4])
    return int.from_bytes(data[end : end + 4])


def _exif_in_text(kind: bytes, body: bytes) -> bytes:
    """Returns the EXIF block of a text chunk; empty where there is none."""
    name, _, text = body.partition(b"\0")
    if name not in _NAMES:
        return b""
    try:
        if kind == b"zTXt":
            text = zlib.decompressobj().decompress(text[1:], _MAX_TEXT)
        found = _PROFILE.match(text)
        return bytes.fromhex(found[1].decode("ascii")) if found else b""
    except (zlib.error, ValueError):
        return b""
