"""Pictures of any colour mode to 8-bit RGB over white."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from fcn_core.bad_image import BadImage

_ROWS: Final = 256
_WHITE: Final = (255, 255, 255)


def to_rgb(image: Image.Image) -> Image.Image:
    """Converts a loaded picture of any mode to mode RGB over white."""
    if image.mode.startswith("I;16"):
        return _scale_16_bit(image)
    if image.mode in ("I", "F"):
        raise BadImage(
            "unsupported-variant",
            f"32-bit pixels (mode {image.mode}) have no known range: "
            "save it with 8 or 16 bits",
        )
    if image.mode == "LAB":
        return _lab_to_rgb(image)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        # Converting to the same mode would copy it.
        return _over_white(image if image.mode == "RGBA" else image.convert("RGBA"))
    # Converting to the same mode would copy 4 bytes a pixel.
    return image if image.mode == "RGB" else image.convert("RGB")


def scale_transparency(image: Image.Image, bits: int) -> None:
    """Brings the transparent colour of a loaded PNG to the 8 bits of its pixels.

    Pillow expands 2- and 4-bit grey and shortens 16-bit RGB, but leaves the colour that
    the file declares transparent as it is stored.

    Args:
        image: A loaded PNG; its `info` is changed.
        bits: Bits a channel in the file.
    """
    colour = image.info.get("transparency")
    if image.mode == "L" and bits < 8 and isinstance(colour, int):
        image.info["transparency"] = colour * 255 // (2**bits - 1)
    elif image.mode == "RGB" and bits == 16 and isinstance(colour, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in colour)


def without_empty_alpha(image: Image.Image) -> Image.Image:
    """Returns a loaded picture without its alpha channel where that is 0 everywhere.

    Programs that know no alpha write zeros where a BMP declares it, and viewers show
    such a BMP as if it had none.
    """
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        return image.convert("RGB")
    return image


def jpeg_cmyk_to_rgb(inks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Converts uint8 `[h, w, 4]` inks of a JPEG to uint8 `[h, w, 3]` RGB, as Pillow."""
    height, width = inks.shape[:2]
    pixels = np.empty((height, width, 3), np.uint8)
    # Some rows at a time: both pictures of the library would be larger than `inks`.
    for top in range(0, height, _ROWS):
        part = inks[top : top + _ROWS]
        # JPEGs store how much paper shows through (Adobe's convention), hence the ";I".
        size = (width, len(part))
        image = Image.frombuffer("CMYK", size, part, "raw", "CMYK;I", 0, 1)
        pixels[top : top + _ROWS] = np.asarray(image.convert("RGB"))
    return pixels


def _scale_16_bit(image: Image.Image) -> Image.Image:
    # A plain conversion would clip at 255 and turn the picture white.
    values = np.array(image).astype(np.uint32)
    transparent = image.info.get("transparency")
    hidden = values == transparent if isinstance(transparent, int) else None
    values *= 255
    values += 32767
    values //= 65535
    grey = values.astype(np.uint8)
    if hidden is not None:
        grey[hidden] = 255
    return Image.fromarray(grey).convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    # Dropping the alpha channel would show colours that are meant to be hidden.
    if image.getchannel("A").getextrema() == (0, 0):
        raise BadImage(
            "unsupported-variant",
            "every pixel is transparent: save it without an alpha channel",
        )
    canvas = Image.new("RGB", image.size, _WHITE)
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise BadImage("unsupported-variant", "LAB colours: save it as RGB")
    return converted
