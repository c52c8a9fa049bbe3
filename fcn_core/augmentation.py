"""Random changes to photos and their labels, always both together.

Everything here is NumPy with a generator handed in: the same generator state gives the
same crop on every machine. Pixels are resized by the code that resizes for scoring.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images
from fcn_core.labels import VOID

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What may happen to a training photo.

    Attributes:
        crop: Height and width of what comes out, in pixels; turned for photos that
            are higher than wide, so that it can have the shape photos are scored at.
        scale: Least and largest factor on the photo's sides (drawn log-uniformly, so
            that halving is as likely as doubling).
        flip: Whether left and right are swapped for every second photo.
        padding_value: RGB right of and below photos smaller than the crop.
    """

    crop: geometry.Size
    scale: tuple[float, float] = (0.5, 2.0)
    flip: bool = True
    padding_value: tuple[int, int, int] = (127, 127, 127)

    def crop_of(self, pixels: Pixels) -> geometry.Size:
        """The crop for a photo `[H, W, 3]`."""
        upright = pixels.shape[0] > pixels.shape[1]
        return geometry.Size(*reversed(self.crop)) if upright else self.crop


def augment(
    pixels: Pixels,
    label: Pixels,
    *,
    settings: Augmentation,
    rng: np.random.Generator,
) -> tuple[Pixels, Pixels]:
    """Draws one training example of a photo: flip, scale, crop, pad.

    Args:
        pixels: uint8 `[H, W, 3]` RGB.
        label: uint8 `[H, W]` class ids, 255 = void.
        settings: What may happen.
        rng: Where chance comes from.

    Returns:
        uint8 `[h, w, 3]` and uint8 `[h, w]` of the crop; padded pixels are void.

    Raises:
        ValueError: Photo and label differ in size.
    """
    if pixels.shape[:2] != label.shape:
        raise ValueError(
            f"label is {label.shape}, expected the photo's {pixels.shape[:2]}"
        )
    crop = settings.crop_of(pixels)
    if settings.flip and rng.random() < 0.5:
        pixels, label = pixels[:, ::-1], label[:, ::-1]
    least, largest = settings.scale
    factor = float(np.exp(rng.uniform(np.log(least), np.log(largest))))
    size = geometry.Size(*(max(1, round(side * factor)) for side in label.shape[:2]))
    pixels = images.resize(np.ascontiguousarray(pixels), size)
    label = resize_label(label, size)
    window = random_window(size, crop, rng=rng)
    return pad_pair(pixels[window], label[window], crop, fill=settings.padding_value)


def resize_label(label: Pixels, size: geometry.Size) -> Pixels:
    """Nearest neighbour: each new pixel takes the class under its centre."""
    rows, columns = (
        np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)
        for new, old in zip(size, label.shape, strict=True)
    )
    return label[rows[:, None], columns]


def random_window(
    size: geometry.Size, crop: geometry.Size, *, rng: np.random.Generator
) -> tuple[slice, slice]:
    """Returns rows and columns of a random crop; all of a side that is smaller."""
    top = int(rng.integers(max(0, size.height - crop.height) + 1))
    left = int(rng.integers(max(0, size.width - crop.width) + 1))
    return slice(top, top + crop.height), slice(left, left + crop.width)


def pad_pair(
    pixels: Pixels, label: Pixels, size: geometry.Size, *, fill: tuple[int, int, int]
) -> tuple[Pixels, Pixels]:
    """Pads right and bottom: photos with `fill`, as scoring does, labels with 255."""
    padded = np.full(size, VOID, np.uint8)
    padded[: label.shape[0], : label.shape[1]] = label
    return images.pad(np.ascontiguousarray(pixels), size, fill), padded
