"""Tags of a TIFF (revision 6.0), which are EXIF's tags too, without decoding it."""

import struct
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.images.limits import Header

_MAX_TAGS: Final = 4096
_WIDTH: Final = 256
_HEIGHT: Final = 257
_COMPRESSION: Final = 259
_PHOTOMETRIC: Final = 262
_ORIENTATION: Final = 274
_SUBFILE_TYPE: Final = 254
_SUB_IFDS: Final = 330
_DNG_VERSION: Final = 50706
# None, CCITT (3 kinds), LZW, JPEG, deflate (2 numbers), PackBits: the smaller the
# parser surface, the better.
_TIFF_COMPRESSIONS: Final = frozenset({1, 2, 3, 4, 5, 7, 8, 32946, 32773})
# Nikon, Sony, Kodak, Samsung and Pentax write sensor data under these.
_RAW_COMPRESSIONS: Final = frozenset({34713, 32767, 65000, 32769, 32770, 65535})
_RAW_PHOTOMETRICS: Final = frozenset({32803, 34892})
_INTEGERS: Final = {1: "B", 3: "H", 4: "I", 13: "I"}


def read_tiff(data: bytes) -> Header:
    """Reads size and orientation of the first page of a TIFF.

    Raises:
        BadImage: `bad-header`, `unsupported-variant`, or `unsupported-format` (raw).
    """
    tags = _read_tags(data)
    _refuse_camera_raw(tags)
    if _WIDTH not in tags or _HEIGHT not in tags:
        raise BadImage("bad-header", "a TIFF without width and height")
    compression = tags.get(_COMPRESSION, 1)
    if compression not in _TIFF_COMPRESSIONS:
        raise BadImage(
            "unsupported-variant",
            f"TIFF compression {compression}, expected none, LZW, deflate, PackBits, "
            "JPEG or CCITT: save it with one of them",
        )
    return Header("TIFF", tags[_HEIGHT], tags[_WIDTH], _orientation(tags))


def exif_orientation(exif: bytes) -> int:
    """Returns orientation 1..8 of an EXIF block; 1 where it says nothing usable."""
    return _orientation(_read_tags(exif.removeprefix(b"Exif\0\0")))


def _orientation(tags: dict[int, int]) -> int:
    orientation = tags.get(_ORIENTATION, 1)
    return orientation if 1 <= orientation <= 8 else 1


def _refuse_camera_raw(tags: dict[int, int]) -> None:
    # Raw files are TIFFs too; their first page is a thumbnail, or the sensor's data
    # which no TIFF reader can show.
    preview_first = tags.get(_SUBFILE_TYPE, 0) & 1 and _SUB_IFDS in tags
    if (
        preview_first
        or _DNG_VERSION in tags
        or tags.get(_COMPRESSION) in _RAW_COMPRESSIONS
        or tags.get(_PHOTOMETRIC) in _RAW_PHOTOMETRICS
    ):
        raise BadImage(
            "unsupported-format",
            "a camera raw file (TIFF based: DNG, NEF, ARW, PEF ...): "
            "convert to JPEG with the camera's software",
        )


def _read_tags(tiff: bytes) -> dict[int, int]:
    """Returns the first integer of each integer tag of the first directory.

    Tags of other types and tags that point outside the data are left out.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return {}
    (offset,) = struct.unpack_from(order + "I", tiff, 4)
    if offset + 2 > len(tiff):
        return {}
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    start = offset + 2
    count = min(count, _MAX_TAGS, (len(tiff) - start) // 12)
    entries = struct.iter_unpack(order + "HHI4s", tiff[start : start + 12 * count])
    tags: dict[int, int] = {}
    for tag, kind, values, content in entries:
        if kind not in _INTEGERS or values < 1:
            continue
        code = order + _INTEGERS[kind]
        size = struct.calcsize(code)
        if size * values > 4:
            (at,) = struct.unpack(order + "I", content)
            content = tiff[at : at + size]
        if len(content) >= size:
            tags.setdefault(tag, struct.unpack_from(code, content)[0])
    return tags
