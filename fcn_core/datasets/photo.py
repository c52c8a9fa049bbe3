"""The checks a photo must pass before a record is made of it, in any data set."""

import dataclasses
import hashlib
from typing import Any, Final

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.datasets.bad_record import BadRecord
from fcn_core.images import png
from fcn_core.images.limits import Header

_FORMATS: Final = {"JPEG": "jpeg", "PNG": "png"}
"""What TensorFlow's decoder shares with ours."""


@dataclasses.dataclass(frozen=True, slots=True)
class Photo:
    """A photo that decodes in full: the fields that a record of it has.

    Height and width are in pixels, as stored: before EXIF turns the picture.
    """

    encoded: bytes
    format: str
    height: int
    width: int
    channels: int
    orientation: int
    sha256: str

    def fields(self) -> dict[str, Any]:
        """Returns the fields by name."""
        return dataclasses.asdict(self)


def check_photo(data: bytes, *, path: str) -> Photo:
    """Decodes a photo once, whole, and returns what a record says about it.

    Only a full decode finds a truncated file; headers and Pillow's `verify` do not. The
    pixels are not needed, so of a JPEG only the levels of its blocks are decoded: all
    of its data are read and checked anyway.

    Raises:
        BadRecord: It does not decode, or TensorFlow's decoder would see something
            else in it than ours (another format, alpha, four inks, sixteen bits).
    """
    try:
        header = images.check(data)
    except BadImage as bad:
        raise BadRecord(bad.reason, bad.detail, stage=bad.stage, path=path) from bad
    if header.format not in _FORMATS:
        detail = f"a {header.format} file, expected JPEG or PNG; convert it"
        raise _bad("image-format", detail, path)
    channels, bits = _depth(data, header, path)
    if channels not in (1, 3):
        detail = f"{channels} components, expected 1 (grey) or 3; convert it to RGB"
        raise _bad("image-channels", detail, path)
    if bits > 8:
        detail = f"{bits} bits a component, expected 8; convert it"
        raise _bad("image-depth", detail, path)
    return Photo(
        encoded=data,
        format=_FORMATS[header.format],
        height=header.height,
        width=header.width,
        channels=channels,
        orientation=header.orientation,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def check_upright(photo: Photo, *, path: str) -> None:
    """Refuses a photo that EXIF turns: its label may or may not be turned with it.

    Raises:
        BadRecord: The orientation is not 1.
    """
    if photo.orientation != 1:
        detail = (
            f"EXIF orientation {photo.orientation}, expected 1; nothing says whether "
            "the label is turned too, so save the photo upright"
        )
        raise _bad("image-turned", detail, path)


def _depth(data: bytes, header: Header, path: str) -> tuple[int, int]:
    """Returns components and bits per component."""
    if header.format == "JPEG":
        return header.components, 8
    try:
        return png.read_png(data).components, header.bits
    except png.PngError as error:
        raise _bad("corrupt", str(error), path) from error


def _bad(reason: str, detail: str, path: str) -> BadRecord:
    return BadRecord(reason, detail, stage="decode", path=path)
