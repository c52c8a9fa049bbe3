"""Chips: a class and its share of a photo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fcn_core.labels import VOC_PALETTE

NOTABLE_SHARE: Final = 0.01
"""A class counts as seen in a photo from this share of its pixels on."""

_MOST_CHIPS: Final = 3
"""On a card."""

BACKGROUND: Final = "background"
"""The class that means none of the others; the photo is seen through it."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A class on a card or in the legend; `colour` is #rrggbb."""

    class_id: int
    name: str
    colour: str
    share: float


def chip(class_id: int, share: float, names: Mapping[int, str]) -> Chip:
    """Returns a class with its name and its colour in the masks."""
    red, green, blue = (int(value) for value in VOC_PALETTE[class_id])
    return Chip(
        class_id=class_id,
        name=names.get(class_id, f"class {class_id}"),
        colour=f"#{red:02x}{green:02x}{blue:02x}",
        share=share,
    )


def notable_chips(
    pixels: Mapping[int, int], names: Mapping[int, str], *, total: int
) -> list[Chip]:
    """Returns the notable classes of a photo, the largest first.

    Args:
        pixels: Of each class.
        names: Of the classes.
        total: Pixels of the photo.
    """
    chips = [
        chip(class_id, count / total, names)
        for class_id, count in pixels.items()
        if count / total >= NOTABLE_SHARE
    ]
    return sorted(chips, key=lambda chip: (-chip.share, chip.class_id))


def chips_on_card(chips: Sequence[Chip]) -> tuple[Chip, ...]:
    """Returns the largest; the background only where there is nothing else."""
    things = [chip for chip in chips if chip.name != BACKGROUND] or chips
    return tuple(things[:_MOST_CHIPS])


def background_ids(names: Mapping[int, str]) -> list[int]:
    """Returns the classes that the photo is seen through."""
    return [class_id for class_id, name in names.items() if name == BACKGROUND]
