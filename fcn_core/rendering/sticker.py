"""A sticker: one class cut out of a photo, with a light contour, on a square."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import images, views

SIDE: Final = 512
"""Side of a messenger's sticker, in pixels."""

_CONTOUR_GREY: Final = 248
_CONTOUR_REACH: Final = 2
"""A 5x5 erosion: the contour is two pixels wide."""


def sticker(
    pixels: NDArray[np.uint8],
    class_map: NDArray[np.uint8],
    class_id: int,
    *,
    side: int = SIDE,
) -> NDArray[np.uint8]:
    """Cuts a class out and enlarges or shrinks it to a transparent square.

    Args:
        pixels: uint8 `[H, W, 3]` RGB.
        class_map: uint8 `[H, W]` class ids of the same size.
        class_id: The class that is cut out.
        side: Of the result, in pixels.

    Returns:
        uint8 `[side, side, 4]` RGBA; alpha is 255 on the object, contour included, and
        0 elsewhere, where the colour is black.

    Raises:
        ValueError: The sizes differ or the class is not in the map.
    """
    if pixels.shape[:2] != class_map.shape:
        raise ValueError(
            f"photo is {list(pixels.shape[:2])}, class map {list(class_map.shape)}, "
            "expected one size; resize the photo to its mask"
        )
    found = class_map == class_id
    if not found.any():
        raise ValueError(
            f"class {class_id} is not in the map, expected one of "
            f"{np.unique(class_map).tolist()}; choose a class that was found"
        )
    window = _bounding_box(found)
    (view,) = views.views(found[window].shape, "pad", side=side)
    colours = images.view(np.ascontiguousarray(pixels[window]), view, (0, 0, 0))
    inside = _resized(found[window], view)
    colours[inside & ~erode(inside, reach=_CONTOUR_REACH)] = _CONTOUR_GREY
    colours[~inside] = 0
    return np.dstack([colours, np.where(inside, 255, 0).astype(np.uint8)])


def erode(inside: NDArray[np.bool_], *, reach: int) -> NDArray[np.bool_]:
    """Keeps pixels `[H, W]` whose neighbours up to `reach` are all inside, too.

    What lies beyond the border is outside.
    """
    for axis in (0, 1):
        width = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(inside, width)
        length = inside.shape[axis]
        inside = np.logical_and.reduce(
            [
                padded.take(range(step, step + length), axis=axis)
                for step in range(2 * reach + 1)
            ]
        )
    return inside


def _bounding_box(found: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


def _resized(found: NDArray[np.bool_], view: views.View) -> NDArray[np.bool_]:
    """Returns the object on the view's canvas; half a covered pixel is its edge."""
    mask = Image.fromarray(np.where(found, 255, 0).astype(np.uint8))
    height, width = view.resized
    resized = np.asarray(mask.resize((width, height), Image.Resampling.BILINEAR))
    canvas = np.zeros(view.canvas, bool)
    row, column = view.offset
    canvas[row : row + height, column : column + width] = resized >= 128
    return canvas
