"""Chips: a class and its share of a photo."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fcn_core.labels import VOC_PALETTE

NOTABLE_SHARE: Final = 0.01
"""A class counts as seen in a photo from this share of its pixels on."""


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
