"""A PNG photo without what its pixels do not need, and proof that no row is missing.

Decoders refuse a picture for its remarks (too long, a wrong checksum, a wrong length),
but show one whose data end early, the missing rows black.
"""

import itertools
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from PIL import Image

from fcn_core.bad_image import BadImage
from fcn_core.images.limits import Header
from fcn_core.images.png import (
    PALETTE,
    SIGNATURE,
    PngError,
    bits_per_pixel,
    body_of,
    frames,
    is_intact,
)

_MAX_CHUNKS: Final = 200_000
_INTERLACED: Final = 28
"""Where the file says it."""
_END: Final = b"\0\0\0\0IEND\xae\x42\x60\x82"
# Adam7 (W3C PNG, 8.2): first row and column of each pass, and the steps.
_PASSES: Final = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
_PIECE: Final = 2**20


@dataclass(frozen=True, slots=True)
class PngPhoto:
    """What pixels need of a PNG, and how they are turned.

    Attributes:
        data: A file of header, palette, transparency, pixel data and end, each chunk's
            checksum verified.
        exif: The EXIF block with its name, if there is a sound one.
        has_end: Whether the photo had an end chunk.
    """

    data: bytes
    exif: bytes
    has_end: bool


def png_photo(data: bytes, header: Header) -> PngPhoto:
    """Returns what pixels need of a PNG.

    Raises:
        BadImage: `bad-header` or `corrupt`.
    """
    kept: list[memoryview] = []
    exif, kind, has_pixels, is_plain = b"", b"", False, True
    try:
        for kind, frame in itertools.islice(frames(data), _MAX_CHUNKS):
            if kind == b"eXIf" and is_intact(frame):
                is_plain = False
                exif = b"Exif\0\0" + body_of(frame)
            elif _is_needed(kind, header, has_pixels=has_pixels):
                _check(kind, frame)
                kept.append(frame)
            else:
                is_plain = is_plain and kind == b"IEND" and is_intact(frame)
            has_pixels = has_pixels or kind == b"IDAT"
        if kind != b"IEND":
            raise BadImage(
                "bad-header", f"more than {_MAX_CHUNKS} PNG chunks: save it anew"
            )
    except PngError:
        if not has_pixels:
            raise _ends_early() from None
    has_end = kind == b"IEND"
    if not is_plain or not has_end:
        data = b"".join((SIGNATURE, *kept, _END))
    return PngPhoto(data, exif=exif, has_end=has_end)


def check_png_rows(photo: PngPhoto, image: Image.Image, header: Header) -> None:
    """Checks that a decoded photo has all its rows; the decoder leaves others black.

    Inflating everything again is spared where the last row, which is written last,
    holds something.

    Raises:
        BadImage: `corrupt`.
    """
    is_interlaced = photo.data[_INTERLACED] != 0
    last = image.crop((0, image.height - 1, image.width, image.height)).tobytes()
    if photo.has_end and not is_interlaced and last.strip(b"\0"):
        return
    expected = _expected_bytes(header, is_interlaced=is_interlaced)
    if _inflated_bytes(photo.data, expected) < expected:
        raise _ends_early()


def _is_needed(kind: bytes, header: Header, *, has_pixels: bool) -> bool:
    if kind == b"PLTE":
        return header.colour_type == PALETTE and not has_pixels
    if kind == b"tRNS":
        return header.colour_type <= PALETTE and not has_pixels
    return kind in (b"IHDR", b"IDAT")


def _check(kind: bytes, frame: memoryview) -> None:
    # Decoders skip the checksums of the pixel data; without them a damaged file may be
    # shown with wrong pixels.
    if not is_intact(frame):
        name = kind.decode("latin-1")
        raise BadImage("corrupt", f"wrong checksum in PNG chunk {name}")


def _expected_bytes(header: Header, *, is_interlaced: bool) -> int:
    """Returns how many bytes all rows have, filter numbers included."""
    passes = _PASSES if is_interlaced else ((0, 0, 1, 1),)
    total = 0
    for row, column, down, across in passes:
        rows = -(-(header.height - row) // down)
        columns = -(-(header.width - column) // across)
        if rows > 0 and columns > 0:
            total += rows * (1 + -(-columns * bits_per_pixel(header) // 8))
    return total


def _inflated_bytes(data: bytes, enough: int) -> int:
    """Returns how many bytes the pixel data are, or at least `enough` of them."""
    inflater = zlib.decompressobj()
    total = 0
    try:
        for body in _pixel_data(data):
            left: bytes | memoryview = body
            while left and total < enough and not inflater.eof:
                total += len(inflater.decompress(left, _PIECE))
                left = inflater.unconsumed_tail
    except zlib.error:
        pass  # What came before it counts.
    return total


def _pixel_data(data: bytes) -> Iterable[memoryview]:
    return (frame[8:-4] for kind, frame in frames(data) if kind == b"IDAT")


def _ends_early() -> BadImage:
    return BadImage("corrupt", "the PNG ends before its picture: upload it again")
