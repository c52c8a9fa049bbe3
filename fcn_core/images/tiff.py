"""Directories of a TIFF (revision 6.0), whose tags are EXIF's too, without decoding.

A page is chosen here, and what its tags say is read in bounded work: never beyond the
data, and never more values of a tag than its reader expects.
"""

import struct
from dataclasses import dataclass
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.images.limits import Header

COMPRESSION: Final = 259
PHOTOMETRIC: Final = 262
JPEG_TABLES: Final = 347
_MAX_TAGS: Final = 4096
_MAX_PAGES: Final = 64
_WIDTH: Final = 256
_HEIGHT: Final = 257
_ORIENTATION: Final = 274
_SUBFILE_TYPE: Final = 254
_SUB_IFDS: Final = 330
_DNG_VERSION: Final = 50706
# A reduced picture, or a mask of another page's transparency.
_NO_PHOTO: Final = 1 | 4
# None, CCITT (3 kinds), LZW, JPEG, deflate (2 numbers), PackBits: the smaller the
# parser surface, the better.
_TIFF_COMPRESSIONS: Final = frozenset({1, 2, 3, 4, 5, 7, 8, 32946, 32773})
# Nikon, Sony, Kodak, Samsung and Pentax write sensor data under these.
_RAW_COMPRESSIONS: Final = frozenset({34713, 32767, 65000, 32769, 32770, 65535})
_RAW_PHOTOMETRICS: Final = frozenset({32803, 34892})
_INTEGERS: Final = {1: "B", 3: "H", 4: "I", 13: "I"}


@dataclass(frozen=True, slots=True)
class Page:
    """One directory of a TIFF.

    Attributes:
        data: The whole file.
        order: "<" little or ">" big endian.
        entries: Integer tag -> its type's code, how many values, where they start.
        behind: Where the next directory is; 0 for none.
    """

    data: bytes
    order: str
    entries: dict[int, tuple[str, int, int]]
    behind: int

    def number(self, tag: int, default: int) -> int:
        """Returns the first value of a tag, or the default."""
        values = self.numbers(tag, 1)
        return values[0] if values else default

    def numbers(self, tag: int, most: int) -> tuple[int, ...]:
        """Returns the values of a tag, at most so many; those outside the file lack."""
        code, count, at = self.entries.get(tag, ("B", 0, 0))
        size = struct.calcsize(code)
        count = min(count, most, max(0, len(self.data) - at) // size)
        return struct.unpack_from(f"{self.order}{count}{code}", self.data, at)


def read_tiff(data: bytes) -> Header:
    """Reads size and orientation of the page of a TIFF that is decoded.

    Raises:
        BadImage: `bad-header`, `unsupported-variant`, or `unsupported-format` (raw).
    """
    page = photo_page(data)
    if _WIDTH not in page.entries or _HEIGHT not in page.entries:
        raise BadImage("bad-header", "a TIFF without width and height")
    compression = page.number(COMPRESSION, 1)
    if compression not in _TIFF_COMPRESSIONS:
        raise BadImage(
            "unsupported-variant",
            f"TIFF compression {compression}, expected none, LZW, deflate, PackBits, "
            "JPEG or CCITT: save it with one of them",
        )
    height, width = page.number(_HEIGHT, 0), page.number(_WIDTH, 0)
    return Header("TIFF", height, width, _orientation(page))


def photo_page(data: bytes) -> Page:
    """Returns the first page that is neither a thumbnail nor a mask.

    Where all pages are marked as such, the first one.

    Raises:
        BadImage: `unsupported-format` for a camera raw file.
    """
    first = page = _first_page(data)
    _refuse_camera_raw(first)
    for _ in range(_MAX_PAGES):
        if not page.number(_SUBFILE_TYPE, 0) & _NO_PHOTO:
            return page
        if not page.behind:
            break
        page = _read_page(data, page.order, page.behind)
        if _WIDTH not in page.entries:
            break
    return first


def exif_orientation(exif: bytes) -> int:
    """Returns orientation 1..8 of an EXIF block; 1 where it says nothing usable."""
    return _orientation(_first_page(exif.removeprefix(b"Exif\0\0")))


def _orientation(page: Page) -> int:
    orientation = page.number(_ORIENTATION, 1)
    return orientation if 1 <= orientation <= 8 else 1


def _refuse_camera_raw(page: Page) -> None:
    # Raw files are TIFFs too; their first page is a thumbnail, or the sensor's data
    # which no TIFF reader can show.
    preview_first = page.number(_SUBFILE_TYPE, 0) & 1 and _SUB_IFDS in page.entries
    if (
        preview_first
        or _DNG_VERSION in page.entries
        or page.number(COMPRESSION, 1) in _RAW_COMPRESSIONS
        or page.number(PHOTOMETRIC, 0) in _RAW_PHOTOMETRICS
    ):
        raise BadImage(
            "unsupported-format",
            "a camera raw file (TIFF based: DNG, NEF, ARW, PEF ...): "
            "convert to JPEG with the camera's software",
        )


def _first_page(tiff: bytes) -> Page:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return Page(tiff, "<", {}, 0)
    return _read_page(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])


def _read_page(tiff: bytes, order: str, offset: int) -> Page:
    """Returns the directory at an offset; an empty one outside the data.

    Tags of other types and tags that point outside the data are left out.
    """
    if offset + 2 > len(tiff):
        return Page(tiff, order, {}, 0)
    (declared,) = struct.unpack_from(order + "H", tiff, offset)
    start = offset + 2
    count = min(declared, _MAX_TAGS, (len(tiff) - start) // 12)
    found: dict[int, tuple[str, int, int]] = {}
    for place in range(start, start + 12 * count, 12):
        tag, kind, values, far = struct.unpack_from(order + "HHII", tiff, place)
        is_tables = (tag, kind) == (JPEG_TABLES, 7)
        if (kind not in _INTEGERS and not is_tables) or values < 1:
            continue
        code = _INTEGERS.get(kind, "B")
        size = struct.calcsize(code)
        at = far if size * values > 4 else place + 8
        if at + size <= len(tiff):
            found.setdefault(tag, (code, values, at))
    end = start + 12 * declared
    behind = tiff[end : end + 4]
    follows = struct.unpack(order + "I", behind)[0] if len(behind) == 4 else 0
    return Page(tiff, order, found, follows)
