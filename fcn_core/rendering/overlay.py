"""Class maps for human eyes: colours, overlays, legends, heat maps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fcn_core.images.histogram import count_values
from fcn_core.labels import VOC_PALETTE, VOID

_BACKGROUND = 0


class LegendEntry(NamedTuple):
    """A class of a map.

    Attributes:
        name: The class's name.
        class_id: The class's index.
        rgb: Its colour in VOC's palette, 0..255 each.
        share: Part of the map's pixels, above 0 up to 1.
    """

    name: str
    class_id: int
    rgb: tuple[int, int, int]
    share: float


def palette_mask(class_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns class ids uint8 `[H, W]` in VOC's colours, uint8 `[H, W, 3]` RGB."""
    return VOC_PALETTE[class_map]


def overlay(
    pixels: NDArray[np.uint8], class_map: NDArray[np.uint8], *, alpha: float = 0.5
) -> NDArray[np.uint8]:
    """Tints the found objects of a photo; background and void stay as they are.

    Args:
        pixels: uint8 `[H, W, 3]` RGB.
        class_map: uint8 `[H, W]` class ids of the same size.
        alpha: How strong the colours are, 0 (the photo) to 1 (the palette).

    Returns:
        uint8 `[H, W, 3]` RGB, a new array.

    Raises:
        ValueError: The sizes differ or alpha is outside 0..1.
    """
    if pixels.shape[:2] != class_map.shape:
        raise ValueError(
            f"photo is {list(pixels.shape[:2])}, class map {list(class_map.shape)}, "
            "expected one size; resize the photo to its mask"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}, expected 0..1; correct the call")
    tinted = pixels.copy()
    objects = (class_map != _BACKGROUND) & (class_map != VOID)
    colours = VOC_PALETTE[class_map[objects]].astype(np.float32)
    mixed = pixels[objects] * np.float32(1 - alpha) + colours * np.float32(alpha)
    tinted[objects] = np.rint(mixed).astype(np.uint8)
    return tinted


def legend(class_map: NDArray[np.uint8], classes: Sequence[str]) -> list[LegendEntry]:
    """Lists the classes of a map, the largest first, the lower id first on a tie.

    Args:
        class_map: uint8 `[H, W]` class ids; void pixels count towards the total but
            have no entry.
        classes: Class names; the index is the class id.

    Raises:
        ValueError: The map holds an id that has no name.
    """
    counts = count_values(class_map)
    present = [int(i) for i in np.flatnonzero(counts) if i != VOID]
    if present and present[-1] >= len(classes):
        raise ValueError(
            f"class map holds id {present[-1]}, expected ids below {len(classes)}; "
            "use the class list of the model that made it"
        )
    present.sort(key=lambda class_id: (-counts[class_id], class_id))
    return [
        LegendEntry(
            name=classes[class_id],
            class_id=class_id,
            rgb=tuple(VOC_PALETTE[class_id].tolist()),
            share=float(counts[class_id] / class_map.size),
        )
        for class_id in present
    ]


def class_list(
    class_map: NDArray[np.uint8], classes: Sequence[str], *, least_share: float = 0.0
) -> list[str]:
    """Names what a map shows, the largest first.

    Args:
        class_map: uint8 `[H, W]` class ids.
        classes: Class names; the index is the class id.
        least_share: Part of the map's pixels below which a class is left out, 0..1.

    Raises:
        ValueError: The map holds an id that has no name.
    """
    return [
        entry.name for entry in legend(class_map, classes) if entry.share >= least_share
    ]


def heat_map(
    shares: NDArray[np.float32], *, pixels: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Shows how sure a model is of one class everywhere: black, red, yellow, white.

    Args:
        shares: float32 `[H, W]`, 0..1; a class of `class_shares.class_shares`.
        pixels: uint8 `[H, W, 3]` RGB of the photo, mixed in by half; None: the map
            alone.

    Returns:
        uint8 `[H, W, 3]` RGB, brighter in every channel where the share is larger.

    Raises:
        ValueError: A share is outside 0..1, or the sizes differ.
    """
    if shares.size and not (shares.min() >= 0 and shares.max() <= 1):
        raise ValueError(
            f"shares are {shares.min()}..{shares.max()}, expected 0..1; take the "
            "softmax of the logits first"
        )
    # A third of the scale for each colour channel: the glow of hot iron.
    channels = [np.clip(3 * shares - part, 0, 1) for part in range(3)]
    colours = np.rint(255 * np.stack(channels, axis=-1)).astype(np.uint8)
    if pixels is None:
        return colours
    if pixels.shape != colours.shape:
        raise ValueError(
            f"photo is {list(pixels.shape)}, heat map {list(colours.shape)}, expected "
            "one size; compute the shares at the photo's size"
        )
    return ((pixels.astype(np.uint16) + colours) // 2).astype(np.uint8)
