"""Pixels on a canvas: resized, padded, cut to a view."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import geometry, views


def resize(
    pixels: NDArray[np.uint8],
    size: geometry.Size,
    window: tuple[slice, slice] | None = None,
    *,
    sharp: bool = False,
) -> NDArray[np.uint8]:
    """Resizes a photo with an antialiasing triangle filter, in whole numbers.

    Args:
        pixels: uint8 `[h, w, 3]` RGB.
        size: Height and width of the result, in pixels.
        window: The only rows and columns of the result to compute.
            Rounding may differ by one level from that of the whole.
        sharp: Whether to filter with Lanczos instead: for networks that would read the
            softness of a triangle as blur.

    Returns:
        uint8 `[H, W, 3]`; `pixels` itself where it has that size already. The same on
        every machine: the filter computes in fixed point.
    """
    if window is None:
        if pixels.shape[:2] == tuple(size):
            return pixels
        window = (slice(None), slice(None))
    (top, bottom, _), (left, right, _) = (
        part.indices(side) for part, side in zip(window, size, strict=True)
    )
    down, across = pixels.shape[0] / size[0], pixels.shape[1] / size[1]
    resized = Image.fromarray(pixels).resize(
        (right - left, bottom - top),
        Image.Resampling.LANCZOS if sharp else Image.Resampling.BILINEAR,
        box=(left * across, top * down, right * across, bottom * down),
    )
    return np.array(resized)


def sample(pixels: NDArray[np.uint8], size: geometry.Size) -> NDArray[np.uint8]:
    """Resizes a photo by nearest neighbour, which is what Keras' `nearest` is.

    Args:
        pixels: uint8 `[h, w, 3]` RGB.
        size: Height and width of the result, in pixels.

    Returns:
        uint8 `[H, W, 3]`; `pixels` itself where it has that size already.
    """
    if pixels.shape[:2] == tuple(size):
        return pixels
    sampled = Image.fromarray(pixels).resize(
        (size.width, size.height), Image.Resampling.NEAREST
    )
    return np.array(sampled)


def pad(
    pixels: NDArray[np.uint8], size: geometry.Size, fill: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Enlarges a photo to a size at its right and bottom.

    Args:
        pixels: uint8 `[h, w, 3]` RGB; stays at the top left.
        size: Height and width of the result, in pixels.
        fill: RGB colour of the new pixels, 0..255 each.

    Returns:
        uint8 `[H, W, 3]`; `pixels` itself where it has that size already.

    Raises:
        ValueError: The photo is larger than the size.
    """
    h, w = pixels.shape[:2]
    height, width = size
    if h > height or w > width:
        raise ValueError(
            f"photo is {h}x{w}, expected at most {height}x{width}; fit it first"
        )
    if (h, w) == (height, width):
        return pixels
    padded = np.empty((height, width, 3), np.uint8)
    padded[:h, :w] = pixels
    padded[:h, w:] = fill
    padded[h:] = fill
    return padded


def view(
    pixels: NDArray[np.uint8], shown: views.View, fill: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Draws a view of a photo.

    Args:
        pixels: uint8 `[h, w, 3]` RGB of the photo.
        shown: What is shown where.
        fill: RGB colour around it, 0..255 each.

    Returns:
        uint8 `[H, W, 3]` of the view's canvas, a new array.
    """
    top, left, height, width = shown.window
    fitted = sample if shown.sampled else resize
    resized = fitted(pixels, shown.resized)
    canvas = np.empty((*shown.canvas, 3), np.uint8)
    canvas[:] = fill
    row, column = shown.offset
    canvas[row : row + height, column : column + width] = resized[
        top : top + height, left : left + width
    ]
    return canvas


def view_mask(shown: views.View) -> NDArray[np.uint8]:
    """Returns uint8 `[H, W]` of a view's canvas: 255 on the photo, 0 around it."""
    row, column = shown.offset
    _, _, height, width = shown.window
    mask = np.zeros(shown.canvas, np.uint8)
    mask[row : row + height, column : column + width] = 255
    return mask
