"""Random changes to photos and their labels, always both together.

Everything here is NumPy with a generator handed in: the same generator state gives the
same crop on every machine. Pixels are resized by the code that resizes for scoring.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images, scoring
from fcn_core.labels import VOID
from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import Recipe

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What may happen to a training photo.

    Attributes:
        crop: Height and width of what comes out, in pixels; turned for photos that
            are higher than wide, so that it can have the shape photos are scored at.
        scale: Least and largest factor on the photo's sides (drawn log-uniformly, so
            that halving is as likely as doubling).
        letterbox: Whether the factor is relative to the photo fitted into the crop,
            enlarged where it is smaller.
        flip: Whether left and right are swapped for every second photo.
        colour: Strength of `jitter`, 0..1.
        padding_value: RGB right of and below photos smaller than the crop.
        rounding: 0 pads to the crop; else sides are only rounded up to a multiple of
            it, in pixels, as scoring does.
    """

    crop: geometry.Size
    scale: tuple[float, float] = (0.5, 2.0)
    letterbox: bool = False
    flip: bool = True
    colour: float = 0.0
    padding_value: tuple[int, int, int] = (127, 127, 127)
    rounding: int = 0

    def crop_of(self, pixels: Pixels) -> geometry.Size:
        """Returns the crop for a photo `[H, W, 3]`."""
        upright = pixels.shape[0] > pixels.shape[1]
        return geometry.Size(*reversed(self.crop)) if upright else self.crop

    def canvas_of(self, size: tuple[int, int], crop: geometry.Size) -> geometry.Size:
        """Returns height and width that a window of this size is padded to."""
        return geometry.round_up(size, self.rounding) if self.rounding else crop


def augment(
    pixels: Pixels,
    label: Pixels,
    *,
    settings: Augmentation,
    rng: np.random.Generator,
) -> tuple[Pixels, Pixels]:
    """Draws one training example of a photo: flip, scale, crop, colour, pad.

    Args:
        pixels: Photo uint8 `[H, W, 3]` RGB.
        label: Class ids uint8 `[H, W]`, 255 = void.
        settings: What may happen.
        rng: Where chance comes from.

    Returns:
        Photo uint8 `[h, w, 3]` and label uint8 `[h, w]` of the crop; padding
        is void.

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
    if settings.letterbox:
        factor *= min(c / s for c, s in zip(crop, label.shape, strict=True))
    size = geometry.Size(*(max(1, round(side * factor)) for side in label.shape[:2]))
    window = random_window(size, crop, rng=rng)
    pixels = images.resize(np.ascontiguousarray(pixels), size, window)
    label = resize_label(label, size, window)
    if settings.colour:
        pixels = jitter(pixels, strength=settings.colour, rng=rng)
    canvas = settings.canvas_of(label.shape, crop)
    return pad_pair(pixels, label, canvas, fill=settings.padding_value)


def paste(
    pixels: Pixels, labels: Pixels, *, share: float, rng: np.random.Generator
) -> tuple[Pixels, Pixels]:
    """Lays objects of some examples over others, at the place where they were.

    Where few photos teach, objects meet surroundings they were never photographed in
    (Ghiasi et al., 2021, Simple copy-paste). An example gets about half of the classes
    of the example before it, without its background and void rims.

    Args:
        pixels: Photos uint8 `[B, h, w, 3]` RGB.
        labels: Class ids uint8 `[B, h, w]`, 0 = background, 255 = void.
        share: Of the examples that get objects, 0..1.
        rng: Where chance comes from.

    Returns:
        New arrays of the same shapes and dtypes.
    """
    pasted, pasted_labels = pixels.copy(), labels.copy()
    for number in range(len(labels) if len(labels) > 1 else 0):
        is_pasted = rng.random() < share
        giver = labels[number - 1]
        classes = np.setdiff1d(giver, (0, VOID))
        chosen = classes[rng.random(len(classes)) < 0.5]
        if not is_pasted or not len(classes):
            continue
        chosen = chosen if len(chosen) else rng.choice(classes, 1)
        objects = np.isin(giver, chosen)
        pasted[number][objects] = pixels[number - 1][objects]
        pasted_labels[number][objects] = giver[objects]
    return pasted, pasted_labels


def jitter(pixels: Pixels, *, strength: float, rng: np.random.Generator) -> Pixels:
    """Changes brightness, contrast, saturation and hue at random.

    Args:
        pixels: Photo uint8 `[h, w, 3]` RGB.
        strength: 0..1; factors are drawn from 1 - strength / 2 to 1 + strength / 2,
            the hue turns by up to strength / 10 of its circle.
        rng: Where chance comes from.

    Returns:
        A new photo uint8 of the same shape.
    """
    brightness, contrast, saturation = rng.uniform(-0.5, 0.5, 3) * strength + 1
    turn = rng.uniform(-0.1, 0.1) * strength * 2 * np.pi
    values = pixels.astype(np.float32) * np.float32(brightness)
    mean = values.mean(dtype=np.float64)
    values = (values - np.float32(mean)) * np.float32(contrast) + np.float32(mean)
    values = values @ _colour_matrix(saturation, turn)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _colour_matrix(saturation: float, turn: float) -> NDArray[np.float32]:
    """Returns what turns RGB row vectors around the grey axis and stretches them."""
    grey = np.full((3, 3), 1 / 3)
    across = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]]) / np.sqrt(3)
    colour = np.cos(turn) * (np.eye(3) - grey) + np.sin(turn) * across
    return (grey + saturation * colour).astype(np.float32)


def resize_label(
    label: Pixels,
    size: geometry.Size,
    window: tuple[slice, slice] = (slice(None), slice(None)),
) -> Pixels:
    """Resizes class ids: each new pixel takes the class under its centre.

    Args:
        label: Class ids uint8 `[h, w]`.
        size: Height and width of the whole result.
        window: The rows and columns of it that are wanted.
    """
    rows, columns = (
        np.minimum(((np.arange(new)[part] + 0.5) * old / new).astype(int), old - 1)
        for new, old, part in zip(size, label.shape, window, strict=True)
    )
    return label[rows][:, columns]


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


def augmentation_of(recipe: Recipe, spec: ModelSpec) -> Augmentation:
    """Returns what a recipe does to photos."""
    rounding = math.lcm(scoring.SIDE_ROUNDING, spec.size_multiple)
    return Augmentation(
        crop=geometry.Size(*recipe.crop),
        scale=recipe.scale,
        letterbox=recipe.fit == "letterbox",
        flip=recipe.flip,
        colour=recipe.colour,
        padding_value=recipe.padding_value,
        rounding=rounding if recipe.padding_that_scores else 0,
    )
