"""Sizes only: how a photo of any shape becomes a shape that a network accepts.

There are two ways. Scoring uses the first, a `Placement`; networks for one square size
are compared by the second, `View`s.

A photo is *fitted* (shrunk so that its long side is at most the working size, or, for
networks that see small things better so, enlarged by a little) and then *padded* at the
right and bottom, so that each side is a multiple of what the network needs. No pixel is
touched here: `images` does that, and `class_maps` uses the same placement backwards.

A *view* is a whole photo or a part of it, resized and laid on a canvas: warped, padded
to a square, or cropped to one or several squares that cover it.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Alignment = Literal["corner", "center"]


class Size(NamedTuple):
    """Height and width in pixels, in this order everywhere."""

    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The three sizes of one photo on its way into a network.

    Attributes:
        original: Upright size of the photo itself; masks have this size.
        fitted: Size after resizing to the working size; equal to `original` for a
            photo that is small enough and not enlarged.
        padded: Size of the network's input; content at the top left.
    """

    original: Size
    fitted: Size
    padded: Size


def fit(size: tuple[int, int], *, max_side: int | None, enlarge: float = 1.0) -> Size:
    """Shrinks a size until its long side is at most `max_side`.

    Args:
        size: Height and width in pixels, each at least 1.
        max_side: Longest side allowed, in pixels; None shrinks nothing.
        enlarge: What a smaller size is multiplied by, as far as `max_side` allows; at
            least 1, which enlarges nothing.

    Returns:
        The size with its aspect kept to the nearest pixel, each side at least 1.

    Raises:
        ValueError: A side, `max_side` or `enlarge` is below 1.
    """
    height, width = checked_size(size)
    check_positive("enlarge", enlarge)
    factor = Fraction(enlarge)  # exact, whatever was written
    if max_side is not None:
        check_positive("max_side", max_side)
        factor = min(factor, Fraction(max_side, max(height, width)))
    return Size(
        scaled_side(height, factor.numerator, factor.denominator),
        scaled_side(width, factor.numerator, factor.denominator),
    )


def with_area(size: tuple[int, int], pixels: int, *, multiple: int = 1) -> Size:
    """Returns the size of about so many pixels with about the same aspect.

    Args:
        size: Height and width in pixels, each at least 1.
        pixels: Height times width of the result, but for rounding.
        multiple: Both sides of the result are the nearest multiples of it.

    Raises:
        ValueError: A side, `pixels` or `multiple` is below 1.
    """
    height, width = checked_size(size)
    check_positive("pixels", pixels)
    check_positive("multiple", multiple)
    # Whole numbers only, halves rounded up: floor(x + 1/2) of
    # x = sqrt(pixels * h / w) / multiple.
    quarters = 4 * pixels // multiple**2
    return Size(
        max(1, (math.isqrt(quarters * height // width) + 1) // 2) * multiple,
        max(1, (math.isqrt(quarters * width // height) + 1) // 2) * multiple,
    )


def round_up(size: tuple[int, int], multiple: int, *, minimum: int = 1) -> Size:
    """Enlarges each side to the next multiple that is not below `minimum`.

    Args:
        size: Height and width in pixels, each at least 1.
        multiple: Both sides of the result are multiples of it, in pixels.
        minimum: Smallest side the network accepts, in pixels; rounded up as well.

    Raises:
        ValueError: A side, `multiple` or `minimum` is below 1.
    """
    height, width = checked_size(size)
    check_positive("multiple", multiple)
    check_positive("minimum", minimum)
    return Size(
        -(-max(height, minimum) // multiple) * multiple,
        -(-max(width, minimum) // multiple) * multiple,
    )


def place(
    size: tuple[int, int],
    *,
    max_side: int | None,
    multiple: int,
    minimum: int = 1,
    enlarge: float = 1.0,
    nearest_pixels: int | None = None,
) -> Placement:
    """Returns where a photo of this size lies in a network's input.

    Args:
        size: Upright height and width of the photo in pixels.
        max_side: Working size of the network (see `fit`); None keeps every photo.
        multiple: Both padded sides are multiples of it (see `round_up`).
        minimum: Smallest padded side in pixels.
        enlarge: See `fit`.
        nearest_pixels: See `with_area`; None: the size stays as fitted.

    Raises:
        ValueError: A size or setting is below 1.
    """
    fitted = fit(size, max_side=max_side, enlarge=enlarge)
    if nearest_pixels is not None:
        fitted = with_area(fitted, nearest_pixels, multiple=multiple)
    padded = round_up(fitted, multiple, minimum=minimum)
    return Placement(original=Size(*size), fitted=fitted, padded=padded)


def to_fitted(
    positions: ArrayLike, *, original: int, fitted: int
) -> NDArray[np.float64]:
    """Maps pixel positions of the original photo to the fitted one, for one axis.

    The inverse of the resize: both grids cover the same rectangle, and a pixel sits in
    the middle of its square, so p becomes (p + 0.5) * fitted / original - 0.5.

    Args:
        positions: Pixel positions along one axis of the original photo.
        original: Length of that axis in the original photo, in pixels.
        fitted: Length of that axis in the fitted photo, in pixels.

    Returns:
        float64 positions of the same shape; exactly the input where both lengths are
        equal.

    Raises:
        ValueError: A length is below 1.
    """
    check_positive("original", original)
    check_positive("fitted", fitted)
    exact = np.asarray(positions, dtype=np.float64)
    if original == fitted:
        return exact.copy()
    return (exact + 0.5) * (fitted / original) - 0.5


def scaled_side(side: int, numerator: int, denominator: int) -> int:
    """Returns a side times a fraction, at least 1 pixel."""
    # Whole numbers only: the same size on every machine, halves rounded up.
    return max(1, (2 * side * numerator + denominator) // (2 * denominator))


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """Returns a size of (height, width).

    Raises:
        ValueError: A side is below 1 pixel.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(
            f"size is {height}x{width}, expected both sides at least 1 pixel; "
            "check the photo's header before placing it"
        )
    return height, width


def check_positive(name: str, value: float) -> None:
    """Raises ValueError where a setting is below 1."""
    if value < 1:
        raise ValueError(f"{name} is {value}, expected at least 1; correct the setting")


def valid_cells(
    sizes: NDArray[np.integer[Any]], *, stride: int, alignment: Alignment
) -> NDArray[np.integer[Any]]:
    """Returns how many logits of an axis lie on the photo, at least one.

    Args:
        sizes: Valid lengths in pixels, any shape, each at least 1.
        stride: Pixels between two logits.
        alignment: A logit counts if its pixel, stride * j (`corner`) or
            stride * j + (stride - 1) / 2 (`center`), is below the length.

    Returns:
        Integers of the same shape.
    """
    if alignment == "corner":
        return -(-sizes // stride)
    return np.maximum(1, -(-(2 * sizes - (stride - 1)) // (2 * stride)))
