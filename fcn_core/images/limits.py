"""The size of an image and how large it may be before its pixels are decoded."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from fcn_core.bad_image import BadImage


@dataclass(frozen=True)
class DecodeLimits:
    """Largest image that is decoded; anything above is a `BadImage`.

    Attributes:
        max_bytes: Size of the encoded file.
        max_pixels: Height times width of what is decoded; a decoder needs up to 8
            bytes a pixel.
        max_reduced_pixels: Height times width of a JPEG that is decoded smaller than
            it is. Phones write up to 201 megapixels.
        max_webp_pixels: The same for WebP, whose decoder needs 16 bytes a pixel.
        max_side: Longest side in pixels.
        max_aspect: Longest side over shortest side.
        max_scans: Scans of one JPEG: each costs a pass over the whole picture, while a
            few bytes suffice to ask for it. Cameras and web tools write at most 16.
        max_scanned_pixels: Scans of one JPEG times its pixels; eight times that where
            the coding is arithmetic, which takes longer for each of them.
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 50_000_000
    max_webp_pixels: int = 32_000_000
    max_side: int = 32_768
    max_aspect: int = 200
    max_scans: int = 100
    max_reduced_pixels: int = 256_000_000
    max_scanned_pixels: int = 1_600_000_000


DEFAULT_LIMITS: Final = DecodeLimits()


class Header(NamedTuple):
    """What the first bytes of an image declare.

    Attributes:
        format: "JPEG", "PNG", "WEBP", "GIF", "BMP" or "TIFF".
        height: Declared height in pixels, before any turning.
        width: Declared width in pixels.
        orientation: EXIF orientation 1..8 of a JPEG or TIFF; 1 for the other formats,
            whose metadata may follow the pixels.
        components: Colour components of a JPEG, else 0.
        bits: Bits a channel of a PNG, else 8.
        colour_type: Of a PNG, as the format numbers them, else 0.
        scans: Scans of a JPEG if it may have many, else 1.
        coefficients: Of a JPEG that may have many scans, whose decoder keeps them all.
        is_arithmetic: Whether a JPEG is coded so.
        unit: Of a JPEG: height and width in pixels of what is coded at a time.
        segments: Of a JPEG: marker, start and end of each, the first scan's included.
    """

    format: str
    height: int
    width: int
    orientation: int = 1
    components: int = 0
    bits: int = 8
    colour_type: int = 0
    scans: int = 1
    coefficients: int = 0
    is_arithmetic: bool = False
    unit: tuple[int, int] = (8, 8)
    segments: tuple[tuple[int, int, int], ...] = ()


def check_size(
    size: tuple[int, int], limits: DecodeLimits, *, is_webp: bool = False
) -> None:
    """Checks the size of an image before memory is allocated for it.

    Args:
        size: Height and width, in pixels.
        limits: What is refused.
        is_webp: Whether the format's own limit holds.

    Raises:
        BadImage: `zero-size`, `too-many-pixels` or `extreme-aspect`.
    """
    height, width = size
    if height < 1 or width < 1:
        raise BadImage("zero-size", f"the header says {width}x{height} pixels")
    allowed = limits.max_webp_pixels if is_webp else limits.max_pixels
    if height * width > allowed:
        raise BadImage(
            "too-many-pixels",
            f"{width}x{height} pixels, at most {allowed} are decoded: "
            "save the photo smaller",
        )
    longest, shortest = max(height, width), min(height, width)
    if longest > limits.max_side or longest > limits.max_aspect * shortest:
        raise BadImage(
            "extreme-aspect",
            f"{width}x{height} pixels, expected sides of at most {limits.max_side} and "
            f"at most {limits.max_aspect}:1: cut the photo into parts",
        )
