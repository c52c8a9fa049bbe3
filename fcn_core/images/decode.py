"""Encoded bytes to upright RGB pixels, or to a reason: the one pixel path.

Converters, training, evaluation and scoring all decode here, so a photo never looks
different to a model than it did in training. What is decoded and how is the decode
policy; its number is written into every row of results, and any change to what pixels
come out, or which files are refused, is a new number.

JPEGs are decoded by libjpeg-turbo in strict mode, which refuses nearly all damaged
files that lenient decoders show with wrong pixels; its pixels equal Pillow's. Only what
pixels need can refuse a JPEG or a PNG. Of a TIFF only blocks are unpacked by libraries;
what its samples mean is decided here. The other
formats are decoded by Pillow, asked for exactly the one that the first bytes name.
"""

import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core.bad_image import BadImage
from fcn_core.images.colours import (
    scale_transparency,
    to_rgb,
    without_empty_alpha,
)
from fcn_core.images.headers import read_header
from fcn_core.images.jpeg_levels import check_levels, decodes_to_levels
from fcn_core.images.jpeg_pixels import RareSampling, decode_jpeg
from fcn_core.images.jpeg_rare import decode_rare_sampling
from fcn_core.images.jpeg_size import jpeg_reduction
from fcn_core.images.limits import DEFAULT_LIMITS, DecodeLimits, Header, check_size
from fcn_core.images.png_orientation import png_orientation
from fcn_core.images.png_photo import check_png_rows, png_photo
from fcn_core.images.tiff import exif_orientation
from fcn_core.images.tiff_pixels import decode_tiff

DECODE_POLICY: Final = 2
"""Version of everything that decides which pixels come out of which bytes."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright photo.

    Attributes:
        pixels: uint8 `[h, w, 3]` RGB, turned upright; smaller than the photo where a
            reduced decode was asked for.
        height: Upright height of the photo itself, in pixels.
        width: Upright width of the photo itself, in pixels.
        format: "JPEG", "PNG", "WEBP", "GIF", "BMP" or "TIFF".
        orientation: EXIF orientation 1..8 that was applied; 1 = none.
    """

    pixels: NDArray[np.uint8]
    height: int
    width: int
    format: str
    orientation: int


def decode(
    data: bytes,
    *,
    max_side: int | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
    is_foreign: bool = False,
) -> DecodedImage:
    """Decodes a photo under the decode policy.

    Transparent pixels are laid over white, 16-bit grey is scaled to 8 bits, colour
    profiles are ignored, of an animation the first picture counts, and the EXIF
    orientation is applied.

    Args:
        data: The encoded file.
        max_side: The working size, in pixels. A JPEG at least twice as large is decoded
            at 1/2, 1/4 or 1/8 of its size, never below `geometry.fit` of its size;
            other formats are not affected. None decodes every pixel.
        limits: What is refused before a pixel is decoded.
        is_foreign: Whether nobody has checked the file yet. Then a JPEG is searched
            for damage of which no decoder warns, which takes a twentieth of the time.

    Raises:
        BadImage: With a reason of the closed list and a cleaned detail.
    """
    header = read_header(data, limits, max_side=max_side)
    if header.format == "JPEG":
        factor = jpeg_reduction((header.height, header.width), max_side)
        pixels = _decode_jpeg(data, header, limits, factor=factor)
        if is_foreign:
            factor = factor if len(pixels) < header.height else 1
            check_levels(data, header, pixels, factor=factor)
        height, width, turn = header.height, header.width, header.orientation
    elif header.format == "TIFF":
        pixels, turn = decode_tiff(data), header.orientation
        height, width = header.height, header.width
    else:
        pixels, turn = _decode_with_pillow(data, header, limits)
        height, width = pixels.shape[:2]
    if turn > 4:
        height, width = width, height
    return DecodedImage(
        pixels=_turn(pixels, turn),
        height=height,
        width=width,
        format=header.format,
        orientation=turn,
    )


def check(data: bytes, *, limits: DecodeLimits = DEFAULT_LIMITS) -> Header:
    """Checks that a photo that nobody has checked yet is one, without its pixels.

    What `decode` refuses is refused, and every JPEG whose blocks have levels that no
    encoder writes.

    Args:
        data: The encoded file.
        limits: Those for all of its pixels.

    Returns:
        Its header, with the EXIF orientation 1..8 that `decode` would apply.

    Raises:
        BadImage: With a reason of the closed list and a cleaned detail.
    """
    header = read_header(data, limits)
    if header.format == "JPEG" and decodes_to_levels(data, header):
        return header
    found = decode(data, max_side=1, limits=limits, is_foreign=True)
    return header._replace(orientation=found.orientation)


def _decode_jpeg(
    data: bytes, header: Header, limits: DecodeLimits, *, factor: int
) -> NDArray[np.uint8]:
    """Returns uint8 `[h, w, 3]` RGB, maybe reduced, not turned."""
    try:
        return decode_jpeg(data, header, factor=factor)
    except RareSampling:
        check_size((header.height, header.width), limits)

        def decoded(plain: bytes) -> NDArray[np.uint8]:
            return _decode_with_pillow(plain, header, limits)[0]

        return decode_rare_sampling(data, header, decoded)


def is_decoded_for(image: DecodedImage, max_side: int | None) -> bool:
    """Returns whether `decode` with this working size would give the same pixels."""
    if image.format != "JPEG":
        return True
    size = (image.height, image.width)
    factor = jpeg_reduction(size, max_side)
    return image.pixels.shape[:2] == tuple(-(-side // factor) for side in size)


def _decode_with_pillow(
    data: bytes, header: Header, limits: DecodeLimits
) -> tuple[NDArray[np.uint8], int]:
    """Returns uint8 `[h, w, 3]` RGB and the orientation that is left to apply."""
    png = png_photo(data, header) if header.format == "PNG" else None
    needed = png.data if png else data
    try:
        image = Image.open(io.BytesIO(needed), formats=[header.format])
    except Exception as error:
        has_pixels = header.format == "WEBP" and re.search(b"VP8[ L]", data)
        raise _pillow_fault(error, "corrupt" if has_pixels else "bad-header") from None
    # Some formats let a frame be larger than the header says.
    is_webp = header.format == "WEBP"
    check_size((image.height, image.width), limits, is_webp=is_webp)
    try:
        image.load()
        if png:
            check_png_rows(png, image, header)
            scale_transparency(image, header.bits)
        shown = without_empty_alpha(image) if header.format == "BMP" else image
        pixels = np.array(to_rgb(shown))
    except BadImage:
        raise
    except Exception as error:
        raise _pillow_fault(error, "corrupt") from None
    if header.format == "JPEG":
        return pixels, header.orientation
    if png and not png.exif:
        return pixels, png_orientation(data)
    # After loading: these formats may keep it behind the pixels.
    exif = png.exif if png else image.info.get("exif")
    return pixels, exif_orientation(exif) if isinstance(exif, bytes) else 1


def _pillow_fault(error: Exception, reason: str) -> BadImage:
    """Names a decoder's exception; decoders raise anything on hostile bytes."""
    if isinstance(error, ImportError):
        raise error  # A broken installation is no property of the photo.
    if isinstance(error, MemoryError):
        return BadImage("out-of-memory", "no memory for the picture's pixels")
    if isinstance(error, Image.DecompressionBombError):
        return BadImage("too-many-pixels", str(error))
    message = str(error)
    if isinstance(error, NotImplementedError) or "nsupported" in message:
        reason = "unsupported-variant"
    return BadImage(reason, f"{type(error).__name__}: {message}")


def _turn(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Applies an EXIF orientation (EXIF 2.32, tag 0x0112) to `[h, w, 3]` pixels."""
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    # Where the stored first row and first column end up after the swap above.
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
