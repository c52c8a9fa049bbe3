"""Class maps as PNG files, and back.

A mask is an 8-bit palette PNG in VOC's colours, so that every viewer shows it and every
reader gets class ids. Written here rather than by an image library: filtered row by row
against the row above, a class map is almost only zeros, which makes run lengths (zlib's
`Z_RLE`) both smaller and faster than a library's palette PNG, and the bytes depend on
zlib alone.
"""

import io
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core.bad_image import BadImage
from fcn_core.images.headers import read_header
from fcn_core.images.limits import DEFAULT_LIMITS
from fcn_core.images.png import GREY, PALETTE, encode_png
from fcn_core.images.png_photo import check_png_rows, png_photo
from fcn_core.labels import VOC_PALETTE

_FILTER_NONE: Final = 0
_FILTER_UP: Final = 2


def encode_mask(class_map: NDArray[np.uint8]) -> bytes:
    """Writes a class map as an 8-bit palette PNG with all 256 VOC colours.

    Args:
        class_map: uint8 `[H, W]` class ids, 255 = void.

    Returns:
        The file; the same bytes for the same map.

    Raises:
        ValueError: Not a uint8 map with at least one pixel.
    """
    return _encode(class_map, PALETTE, VOC_PALETTE.tobytes())


def encode_grey(class_map: NDArray[np.uint8]) -> bytes:
    """Writes a class map as an 8-bit grey PNG: class ids as grey values.

    The form for records: a decoder that ignores palettes reads the ids from it.

    Args:
        class_map: uint8 `[H, W]` class ids, 255 = void.

    Raises:
        ValueError: Not a uint8 map with at least one pixel.
    """
    return _encode(class_map, GREY)


def decode_mask(data: bytes) -> NDArray[np.uint8]:
    """Reads the class ids of a palette PNG, or of an 8-bit grey PNG.

    Args:
        data: The file; limits and checks are those of photos.

    Returns:
        uint8 `[H, W]`: palette indices or grey values, as they are stored.

    Raises:
        BadImage: `unsupported-variant` for other formats and other kinds of PNG, and
            the reasons of a photo.
    """
    header = read_header(data, DEFAULT_LIMITS)
    if header.format != "PNG":
        raise _not_a_mask(header.format)
    png = png_photo(data, header)
    kind = header.colour_type
    if kind != PALETTE and (header.bits, kind) != (8, GREY):
        raise _not_a_mask(f"PNG of {header.bits} bits, colour type {kind}")
    try:
        with Image.open(io.BytesIO(png.data), formats=["PNG"]) as image:
            image.load()
            check_png_rows(png, image, header)
            return np.array(image)
    except BadImage:
        raise
    except MemoryError:
        raise BadImage("out-of-memory", "no memory for the mask's pixels") from None
    except Exception as error:
        # Decoders raise anything on damaged bytes, not only OSError.
        raise BadImage("corrupt", f"{type(error).__name__}: {error}") from None


def _not_a_mask(what: str) -> BadImage:
    return BadImage(
        "unsupported-variant",
        f"a mask stored as {what}, expected a palette PNG or an 8-bit grey PNG: "
        "save class ids, not colours",
    )


def _encode(
    class_map: NDArray[np.uint8], colour_type: int, palette: bytes = b""
) -> bytes:
    if class_map.dtype != np.uint8 or class_map.ndim != 2 or class_map.size == 0:
        raise ValueError(
            f"class map is {class_map.dtype} {list(class_map.shape)}, expected uint8 "
            "[H, W] with at least one pixel; convert it"
        )
    height, width = class_map.shape
    compressor = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    pixels = compressor.compress(_filtered(class_map).data) + compressor.flush()
    return encode_png(
        height, width, colour_type=colour_type, pixels=pixels, palette=palette
    )


def _filtered(class_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns uint8 `[H, 1 + W]`: each row's filter number, then its difference."""
    height, width = class_map.shape
    rows = np.empty((height, 1 + width), np.uint8)
    rows[0, 0] = _FILTER_NONE
    rows[0, 1:] = class_map[0]
    rows[1:, 0] = _FILTER_UP
    # Wraps around modulo 256, as the format asks.
    np.subtract(class_map[1:], class_map[:-1], out=rows[1:, 1:])
    return rows
