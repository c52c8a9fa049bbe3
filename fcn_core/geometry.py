"""Sizes only: how a photo of any shape becomes a shape that a network accepts.

A photo is *fitted* (shrunk so that its long side is at most the working size, never
enlarged) and then *padded* at the right and bottom, so that each side is a multiple of
what the network needs. No pixel is touched here: `images` does that, and `class_maps`
uses the same placement backwards.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Size(NamedTuple):
    """Height and width in pixels, in this order everywhere."""

    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The three sizes of one photo on its way into a network.

    Attributes:
        original: upright size of the photo itself; masks have this size.
        fitted: size after shrinking to the working size; equal to `original` for a
            photo that is small enough.
        padded: size of the network's input; content at the top left.
    """

    original: Size
    fitted: Size
    padded: Size


def fit(size: tuple[int, int], *, max_side: int | None) -> Size:
    """Shrinks a size until its long side is at most `max_side`; never enlarges.

    Args:
        size: height and width in pixels, each at least 1.
        max_side: longest side allowed, in pixels; None keeps the size.

    Returns:
        The size with its aspect kept to the nearest pixel, each side at least 1.

    Raises:
        ValueError: a side or `max_side` is below 1.
    """
    height, width = _checked(size)
    if max_side is None:
        return Size(height, width)
    _check_positive("max_side", max_side)
    longest = max(height, width)
    if longest <= max_side:
        return Size(height, width)
    return Size(
        _scaled(height, max_side, longest),
        _scaled(width, max_side, longest),
    )


def round_up(size: tuple[int, int], multiple: int, *, minimum: int = 1) -> Size:
    """Enlarges each side to the next multiple that is not below `minimum`.

    Args:
        size: height and width in pixels, each at least 1.
        multiple: both sides of the result are multiples of it, in pixels.
        minimum: smallest side the network accepts, in pixels; rounded up as well.

    Raises:
        ValueError: a side, `multiple` or `minimum` is below 1.
    """
    height, width = _checked(size)
    _check_positive("multiple", multiple)
    _check_positive("minimum", minimum)
    return Size(
        -(-max(height, minimum) // multiple) * multiple,
        -(-max(width, minimum) // multiple) * multiple,
    )


def place(
    size: tuple[int, int], *, max_side: int | None, multiple: int, minimum: int = 1
) -> Placement:
    """Returns where a photo of this size lies in a network's input.

    Args:
        size: upright height and width of the photo in pixels.
        max_side: working size of the network (see `fit`); None keeps every photo.
        multiple: both padded sides are multiples of it (see `round_up`).
        minimum: smallest padded side in pixels.

    Raises:
        ValueError: a size or setting is below 1.
    """
    fitted = fit(size, max_side=max_side)
    padded = round_up(fitted, multiple, minimum=minimum)
    return Placement(original=Size(*size), fitted=fitted, padded=padded)


def to_fitted(
    positions: ArrayLike, *, original: int, fitted: int
) -> NDArray[np.float64]:
    """Maps pixel positions of the original photo to the fitted one, for one axis.

    The inverse of the resize: both grids cover the same rectangle, and a pixel sits in
    the middle of its square, so p becomes (p + 0.5) * fitted / original - 0.5.

    Args:
        positions: pixel positions along one axis of the original photo.
        original: length of that axis in the original photo, in pixels.
        fitted: length of that axis in the fitted photo, in pixels.

    Returns:
        float64 positions of the same shape; exactly the input where both lengths are
        equal.

    Raises:
        ValueError: a length is below 1.
    """
    _check_positive("original", original)
    _check_positive("fitted", fitted)
    exact = np.asarray(positions, dtype=np.float64)
    if original == fitted:
        return exact.copy()
    return (exact + 0.5) * (fitted / original) - 0.5


def _scaled(side: int, numerator: int, denominator: int) -> int:
    # Whole numbers only: the same size on every machine, halves rounded up.
    return max(1, (2 * side * numerator + denominator) // (2 * denominator))


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(
            f"size is {height}x{width}, expected both sides at least 1 pixel: "
            "check the photo's header before placing it"
        )
    return height, width


def _check_positive(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} is {value}, expected at least 1: correct the setting")
