"""Views of a photo: what part of it a network sees, at which size."""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

from fcn_core.geometry import Size, check_positive, checked_size, scaled_side

ViewMode = Literal[
    "plain", "nearest", "keep_ratio", "pad", "pad_mask", "crop", "multi_crop"
]

SHORTEST_KEPT_SIDE = 224
"""`keep_ratio` enlarges until the short side has this many pixels."""

_CROPS = 3


@dataclass(frozen=True, slots=True)
class View:
    """One canvas that shows a photo or a part of it.

    Attributes:
        original: Upright size of the photo.
        resized: Size the photo is resized to first.
        window: Top, left, height and width of the part that is shown, in pixels of the
            resized photo.
        offset: Row and column of the canvas where the window's top left lies.
        canvas: Size of the result; what the window leaves free is filled.
        sampled: Whether the photo is resized by nearest neighbour, not with a filter.
    """

    original: Size
    resized: Size
    window: tuple[int, int, int, int]
    offset: tuple[int, int]
    canvas: Size
    sampled: bool = False


def views(size: tuple[int, int], mode: ViewMode, *, side: int) -> tuple[View, ...]:
    """Returns the canvases that show a photo to a network of one input size.

    `plain` warps to side x side; `nearest` does so without a filter, which is what
    idealo/image-quality-assessment shows to NIMA. `keep_ratio` makes the width `side`,
    enlarged where the short side would fall below 224. `pad` makes the long side
    `side` and centres the photo on a square; `pad_mask` is the same for those who also
    want the mask. `crop` makes the short side `side` and shows the middle square,
    `multi_crop` three squares from end to end, or as many as it takes to leave no gap.

    Args:
        size: Upright height and width of the photo in pixels.
        mode: See above.
        side: In pixels.

    Raises:
        ValueError: A side is below 1 or the mode is unknown.
    """
    original = Size(*checked_size(size))
    check_positive("side", side)
    if mode == "plain":
        return (_whole(original, Size(side, side)),)
    if mode == "nearest":
        return (replace(_whole(original, Size(side, side)), sampled=True),)
    if mode == "keep_ratio":
        return (_whole(original, keep_ratio(original, width=side)),)
    if mode in ("pad", "pad_mask"):
        return (_padded(original, side),)
    if mode in ("crop", "multi_crop"):
        return _cropped(original, side, several=mode == "multi_crop")
    raise ValueError(f"view mode is {mode!r}, expected one of {get_args(ViewMode)}")


def most_views(aspect: float) -> int:
    """Returns the most views of `multi_crop` of a photo with such an aspect."""
    return max(_CROPS, math.ceil(aspect) + 1)


def keep_ratio(
    size: tuple[int, int],
    *,
    height: int | None = None,
    width: int | None = None,
    shortest: int = SHORTEST_KEPT_SIDE,
) -> Size:
    """Resizes to a height or a width with the aspect kept.

    Args:
        size: Upright height and width of the photo in pixels.
        height: Of the result; or None.
        width: Of the result; or None. Without both the size stays.
        shortest: The result is enlarged until its short side has this many pixels.

    Raises:
        ValueError: A number is below 1, or both sides are given.
    """
    original = Size(*checked_size(size))
    check_positive("shortest", shortest)
    if height is None and width is None:
        return original
    if height is not None and width is not None:
        raise ValueError(
            f"height {height} and width {width} were given, expected one of them: two "
            "would change the aspect"
        )
    target, given = (height, original.height) if height else (width, original.width)
    check_positive("target side", target or 0)
    scaled = Size(*(scaled_side(side, target or 0, given) for side in original))
    if min(scaled) >= shortest:
        return scaled
    return Size(*(scaled_side(side, shortest, min(original)) for side in original))


def _whole(original: Size, canvas: Size) -> View:
    return View(original, canvas, (0, 0, *canvas), (0, 0), canvas)


def _padded(original: Size, side: int) -> View:
    longest = max(original)
    resized = Size(*(scaled_side(length, side, longest) for length in original))
    offset = ((side - resized.height) // 2, (side - resized.width) // 2)
    return View(original, resized, (0, 0, *resized), offset, Size(side, side))


def _cropped(original: Size, side: int, *, several: bool) -> tuple[View, ...]:
    shortest = min(original)
    resized = Size(*(scaled_side(length, side, shortest) for length in original))
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
