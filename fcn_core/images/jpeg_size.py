"""How much of a JPEG is decoded: the limits count that, not what its header says."""

import dataclasses
import functools
import math
from typing import Final

from fcn_core import geometry
from fcn_core.bad_image import BadImage
from fcn_core.images.limits import DecodeLimits, Header, check_size

# Other ratios exist but are computed slowly.
_FACTORS: Final = (8, 4, 2)
_COEFFICIENT_BYTES: Final = 2
_ARITHMETIC: Final = 8
"""How much longer than Huffman codes such codes take for a coefficient."""
_RGB: Final = 3
_MOST: Final = 3 * _COEFFICIENT_BYTES + _RGB
"""Bytes a pixel of the largest JPEG that is decoded whole."""


@functools.lru_cache(maxsize=1024)  # cameras have few sizes
def jpeg_reduction(size: tuple[int, int], max_side: int | None) -> int:
    """Returns 8, 4, 2 or 1: how much smaller a JPEG can be decoded.

    Args:
        size: Height and width, in pixels.
        max_side: The working size, in pixels; None decodes every pixel.
    """
    fitted = geometry.fit(size, max_side=max_side)
    for factor in _FACTORS:
        height, width = _reduced(size, factor)
        if height >= fitted.height and width >= fitted.width:
            return factor if size != fitted else 1
    return 1


def check_jpeg(header: Header, limits: DecodeLimits, *, max_side: int | None) -> None:
    """Checks what decoding a JPEG takes before memory is allocated for it.

    Raises:
        BadImage: `zero-size`, `too-many-pixels`, `extreme-aspect` or `too-many-scans`.
    """
    size = (header.height, header.width)
    if math.prod(size) <= limits.max_pixels:
        check_size(size, limits)
    else:
        _check_reduced(header, limits, max_side=max_side)
    if header.scans > limits.max_scans:
        raise BadImage(
            "too-many-scans",
            f"{header.scans} JPEG scans, at most {limits.max_scans} are decoded: "
            "save it as a baseline JPEG",
        )
    cost = _ARITHMETIC if header.is_arithmetic and header.scans > 1 else 1
    most = limits.max_scanned_pixels // cost
    if header.scans * math.prod(size) > most:
        raise BadImage(
            "too-many-scans",
            f"{header.scans} JPEG scans of {header.width}x{header.height} pixels, at "
            f"most {most} are scanned: save it as a baseline JPEG",
        )


def _check_reduced(
    header: Header, limits: DecodeLimits, *, max_side: int | None
) -> None:
    """Checks a JPEG that has more pixels than are ever decoded."""
    size = (header.height, header.width)
    declared = max(limits.max_pixels, limits.max_reduced_pixels)
    check_size(size, dataclasses.replace(limits, max_pixels=declared))
    reduced = _reduced(size, jpeg_reduction(size, max_side))
    if math.prod(reduced) > limits.max_pixels:
        check_size(size, limits)
    needed = header.coefficients * _COEFFICIENT_BYTES + math.prod(reduced) * _RGB
    if needed > limits.max_pixels * _MOST:
        raise BadImage(
            "too-many-pixels",
            f"{header.width}x{header.height} pixels in a JPEG of several scans, which "
            "is kept whole while it is decoded: save it as a baseline JPEG",
        )


def _reduced(size: tuple[int, int], factor: int) -> tuple[int, int]:
    height, width = size
    return -(-height // factor), -(-width // factor)
