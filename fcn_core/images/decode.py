"""Encoded bytes to upright RGB pixels, or to a reason: the one pixel path.

Converters, training, evaluation and scoring all decode here, so a photo never looks
different to a model than it did in training. What is decoded and how is the decode
policy; its number is written into every row of results, and any change to what pixels
come out, or which files are refused, is a new number.

JPEGs are decoded by libjpeg-turbo in strict mode, which refuses nearly all damaged
files that lenient decoders show with wrong pixels; its pixels equal Pillow's. Of a TIFF
only blocks are unpacked by libraries; what its samples mean is decided here. The other
formats are decoded by Pillow, asked for exactly the one that the first bytes name.
"""

import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from fcn_core import geometry
from fcn_core.bad_image import BadImage
from fcn_core.images.colours import (
    jpeg_cmyk_to_rgb,
    scale_transparency,
    to_rgb,
    without_empty_alpha,
)
from fcn_core.images.headers import read_header
from fcn_core.images.jpeg import is_complete
from fcn_core.images.limits import DEFAULT_LIMITS, DecodeLimits, Header, check_size
from fcn_core.images.png import check_png_chunks
from fcn_core.images.png_orientation import png_orientation
from fcn_core.images.tiff import exif_orientation
from fcn_core.images.tiff_pixels import decode_tiff

DECODE_POLICY: Final = 1
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

    Raises:
        BadImage: With a reason of the closed list and a cleaned detail.
    """
    header = read_header(data, limits)
    if header.format == "JPEG":
        pixels, turn = _decode_jpeg(data, header, limits, max_side=max_side)
        height, width = header.height, header.width
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


def _decode_jpeg(
    data: bytes, header: Header, limits: DecodeLimits, *, max_side: int | None
) -> tuple[NDArray[np.uint8], int]:
    """Returns uint8 `[h, w, 3]` RGB, maybe reduced, and the orientation to apply."""
    colours = "CMYK" if header.components == 4 else "RGB"
    factor = _reduction(header, max_side)
    options: dict[str, int] = {}
    if factor > 1:
        options = {
            "min_height": -(-header.height // factor),
            "min_width": -(-header.width // factor),
            "min_factor": factor,
        }
    try:
        # What the decoder is about to allocate must be what the limits were asked for.
        declared = simplejpeg.decode_jpeg_header(data)[:2]
        if declared != (header.height, header.width):
            raise BadImage("bad-header", "the JPEG declares two different sizes")
        pixels = simplejpeg.decode_jpeg(data, colours, strict=True, **options)
    except MemoryError:
        raise BadImage("out-of-memory", "no memory for the JPEG's pixels") from None
    except (KeyError, ValueError) as error:
        if isinstance(error, KeyError) or "subsampling" in str(error):
            # Rare sampling factors, for which the strict decoder has no name.
            return _decode_with_pillow(data, header, limits)
        raise _jpeg_fault(data, str(error)) from None
    if colours == "CMYK":
        pixels = jpeg_cmyk_to_rgb(pixels)
    return pixels, header.orientation


def _reduction(header: Header, max_side: int | None) -> int:
    """Returns 8, 4, 2 or 1: how much smaller a JPEG can be decoded."""
    size = (header.height, header.width)
    fitted = geometry.fit(size, max_side=max_side)
    # Other ratios exist but are computed slowly.
    for factor in (8, 4, 2):
        if (
            -(-header.height // factor) >= fitted.height
            and -(-header.width // factor) >= fitted.width
        ):
            return factor if size != fitted else 1
    return 1


def _jpeg_fault(data: bytes, message: str) -> BadImage:
    if not is_complete(data):
        return BadImage("corrupt", "the JPEG ends before its picture: upload it again")
    if "nsupported" in message:
        return BadImage("unsupported-variant", f"{message}: save it as a baseline JPEG")
    try:
        simplejpeg.decode_jpeg(data, min_height=1, min_width=1, strict=False)
    except (ValueError, MemoryError):
        return BadImage("corrupt", message)
    return BadImage("corrupt-strict", f"{message}: other programs show wrong pixels")


def _decode_with_pillow(
    data: bytes, header: Header, limits: DecodeLimits
) -> tuple[NDArray[np.uint8], int]:
    """Returns uint8 `[h, w, 3]` RGB and the orientation that is left to apply."""
    if header.format == "PNG":
        check_png_chunks(data)
    try:
        image = Image.open(io.BytesIO(data), formats=[header.format])
    except Exception as error:
        has_pixels = header.format == "WEBP" and re.search(b"VP8[ L]", data)
        raise _pillow_fault(error, "corrupt" if has_pixels else "bad-header") from None
    # Some formats let a frame be larger than the header says.
    is_webp = header.format == "WEBP"
    check_size((image.height, image.width), limits, is_webp=is_webp)
    try:
        image.load()
        if header.format == "PNG":
            scale_transparency(image, header.bits)
        shown = without_empty_alpha(image) if header.format == "BMP" else image
        pixels = np.array(to_rgb(shown))
    except BadImage:
        raise
    except Exception as error:
        raise _pillow_fault(error, "corrupt") from None
    if header.format == "JPEG":
        return pixels, header.orientation
    if header.format == "PNG":
        return pixels, png_orientation(data)
    # After loading: these formats may keep it behind the pixels.
    exif = image.info.get("exif")
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
