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

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

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
        fitted: size after resizing to the working size; equal to `original` for a
            photo that is small enough and not enlarged.
        padded: size of the network's input; content at the top left.
    """

    original: Size
    fitted: Size
    padded: Size


def fit(size: tuple[int, int], *, max_side: int | None, enlarge: float = 1.0) -> Size:
    """Shrinks a size until its long side is at most `max_side`.

    Args:
        size: height and width in pixels, each at least 1.
        max_side: longest side allowed, in pixels; None shrinks nothing.
        enlarge: what a smaller size is multiplied by, as far as `max_side` allows; at
            least 1, which enlarges nothing.

    Returns:
        The size with its aspect kept to the nearest pixel, each side at least 1.

    Raises:
        ValueError: a side, `max_side` or `enlarge` is below 1.
    """
    height, width = _checked(size)
    _check_positive("enlarge", enlarge)
    factor = Fraction(enlarge)  # exact, whatever was written
    if max_side is not None:
        _check_positive("max_side", max_side)
        factor = min(factor, Fraction(max_side, max(height, width)))
    return Size(
        _scaled(height, factor.numerator, factor.denominator),
        _scaled(width, factor.numerator, factor.denominator),
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
    size: tuple[int, int],
    *,
    max_side: int | None,
    multiple: int,
    minimum: int = 1,
    enlarge: float = 1.0,
) -> Placement:
    """Returns where a photo of this size lies in a network's input.

    Args:
        size: upright height and width of the photo in pixels.
        max_side: working size of the network (see `fit`); None keeps every photo.
        multiple: both padded sides are multiples of it (see `round_up`).
        minimum: smallest padded side in pixels.
        enlarge: see `fit`.

    Raises:
        ValueError: a size or setting is below 1.
    """
    fitted = fit(size, max_side=max_side, enlarge=enlarge)
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


ViewMode = Literal["plain", "keep_ratio", "pad", "pad_mask", "crop", "multi_crop"]

SHORTEST_KEPT_SIDE = 224
"""`keep_ratio` enlarges until the short side has this many pixels."""

_CROPS = 3


@dataclass(frozen=True, slots=True)
class View:
    """One canvas that shows a photo or a part of it.

    Attributes:
        original: upright size of the photo.
        resized: size the photo is resized to first.
        window: top, left, height and width of the part that is shown, in pixels of the
            resized photo.
        offset: row and column of the canvas where the window's top left lies.
        canvas: size of the result; what the window leaves free is filled.
    """

    original: Size
    resized: Size
    window: tuple[int, int, int, int]
    offset: tuple[int, int]
    canvas: Size

    def from_original(self, positions: ArrayLike, *, axis: int) -> NDArray[np.float64]:
        """Maps pixel positions of the photo to the canvas, for one axis.

        Args:
            positions: pixel positions along the axis of the original photo.
            axis: 0 for rows, 1 for columns.

        Returns:
            float64 positions of the same shape; those the view does not show lie
            outside its window.
        """
        resized = to_fitted(
            positions, original=self.original[axis], fitted=self.resized[axis]
        )
        return resized - self.window[axis] + self.offset[axis]


def views(size: tuple[int, int], mode: ViewMode, *, side: int) -> tuple[View, ...]:
    """Returns the canvases by which a network for one size sees a photo.

    `plain` warps to side x side. `keep_ratio` makes the width `side`, enlarged where
    the short side would fall below 224. `pad` makes the long side `side` and centres
    the photo on a square; `pad_mask` is the same for those who also want the mask.
    `crop` makes the short side `side` and shows the middle square, `multi_crop` three
    squares from end to end, or as many as it takes to leave no gap.

    Args:
        size: upright height and width of the photo in pixels.
        mode: see above.
        side: in pixels.

    Raises:
        ValueError: a side is below 1 or the mode is unknown.
    """
    original = Size(*_checked(size))
    _check_positive("side", side)
    if mode == "plain":
        return (_whole(original, Size(side, side)),)
    if mode == "keep_ratio":
        return (_whole(original, keep_ratio(original, width=side)),)
    if mode in ("pad", "pad_mask"):
        return (_padded(original, side),)
    if mode in ("crop", "multi_crop"):
        return _cropped(original, side, several=mode == "multi_crop")
    raise ValueError(f"view mode is {mode!r}, expected one of {get_args(ViewMode)}")


def keep_ratio(
    size: tuple[int, int],
    *,
    height: int | None = None,
    width: int | None = None,
    shortest: int = SHORTEST_KEPT_SIDE,
) -> Size:
    """Resizes to a height or a width with the aspect kept.

    Args:
        size: upright height and width of the photo in pixels.
        height: of the result; or None.
        width: of the result; or None. Without both the size stays.
        shortest: the result is enlarged until its short side has this many pixels.

    Raises:
        ValueError: a number is below 1, or both sides are given.
    """
    original = Size(*_checked(size))
    _check_positive("shortest", shortest)
    if height is None and width is None:
        return original
    if height is not None and width is not None:
        raise ValueError(
            f"height {height} and width {width} were given, expected one of them: two "
            "would change the aspect"
        )
    target, given = (height, original.height) if height else (width, original.width)
    _check_positive("target side", target or 0)
    scaled = Size(*(_scaled(side, target or 0, given) for side in original))
    if min(scaled) >= shortest:
        return scaled
    return Size(*(_scaled(side, shortest, min(original)) for side in original))


def _whole(original: Size, canvas: Size) -> View:
    return View(original, canvas, (0, 0, *canvas), (0, 0), canvas)


def _padded(original: Size, side: int) -> View:
    longest = max(original)
    resized = Size(*(_scaled(length, side, longest) for length in original))
    offset = ((side - resized.height) // 2, (side - resized.width) // 2)
    return View(original, resized, (0, 0, *resized), offset, Size(side, side))


def _cropped(original: Size, side: int, *, several: bool) -> tuple[View, ...]:
    shortest = min(original)
    resized = Size(*(_scaled(length, side, shortest) for length in original))
    spare = max(resized) - side
    starts = [spare // 2]
    if several and spare:
        gaps = max(_CROPS, -(-max(resized) // side)) - 1
        starts = [(2 * i * spare + gaps) // (2 * gaps) for i in range(gaps + 1)]
    tall = resized.height > resized.width
    square = Size(side, side)
    return tuple(
        View(
            original,
            resized,
            (start if tall else 0, 0 if tall else start, *square),
            (0, 0),
            square,
        )
        for start in starts
    )


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


def _check_positive(name: str, value: float) -> None:
    if value < 1:
        raise ValueError(f"{name} is {value}, expected at least 1: correct the setting")
