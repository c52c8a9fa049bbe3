"""Class maps for human eyes: colours, overlays and legends."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fcn_core.labels import VOC_PALETTE, VOID

_BACKGROUND = 0


class LegendEntry(NamedTuple):
    """One class of a map.

    Attributes:
        name: the class's name.
        class_id: the class's index.
        rgb: its colour in VOC's palette, 0..255 each.
        share: part of the map's pixels, above 0 up to 1.
    """

    name: str
    class_id: int
    rgb: tuple[int, int, int]
    share: float


def palette_mask(class_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns uint8 [H, W, 3] RGB: each class id of uint8 [H, W] in VOC's colour."""
    return VOC_PALETTE[class_map]


def overlay(
    pixels: NDArray[np.uint8], class_map: NDArray[np.uint8], *, alpha: float = 0.5
) -> NDArray[np.uint8]:
    """Tints the found objects of a photo; background and void stay as they are.

    Args:
        pixels: uint8 [H, W, 3] RGB.
        class_map: uint8 [H, W] class ids of the same size.
        alpha: how strong the colours are, 0 (the photo) to 1 (the palette).

    Returns:
        uint8 [H, W, 3] RGB, a new array.

    Raises:
        ValueError: the sizes differ or alpha is outside 0..1.
    """
    if pixels.shape[:2] != class_map.shape:
        raise ValueError(
            f"photo is {list(pixels.shape[:2])}, class map {list(class_map.shape)}, "
            "expected one size: resize the photo to its mask"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}, expected 0..1: correct the call")
    tinted = pixels.copy()
    objects = (class_map != _BACKGROUND) & (class_map != VOID)
    colours = VOC_PALETTE[class_map[objects]].astype(np.float32)
    mixed = pixels[objects] * np.float32(1 - alpha) + colours * np.float32(alpha)
    tinted[objects] = np.rint(mixed).astype(np.uint8)
    return tinted


def legend(class_map: NDArray[np.uint8], classes: Sequence[str]) -> list[LegendEntry]:
    """Lists the classes of a map, the largest first, the lower id first on a tie.

    Args:
        class_map: uint8 [H, W] class ids; void pixels count for the total but have no
            entry.
        classes: names, index = class id.

    Raises:
        ValueError: the map holds an id that has no name.
    """
    counts = np.bincount(class_map.reshape(-1), minlength=256)
    present = [int(i) for i in np.flatnonzero(counts) if i != VOID]
    if present and present[-1] >= len(classes):
        raise ValueError(
            f"class map holds id {present[-1]}, expected ids below {len(classes)}: "
            "use the class list of the model that made it"
        )
    present.sort(key=lambda class_id: (-counts[class_id], class_id))
    return [
        LegendEntry(
            name=classes[class_id],
            class_id=class_id,
            rgb=(
                int(VOC_PALETTE[class_id, 0]),
                int(VOC_PALETTE[class_id, 1]),
                int(VOC_PALETTE[class_id, 2]),
            ),
            share=float(counts[class_id] / class_map.size),
        )
        for class_id in present
    ]
