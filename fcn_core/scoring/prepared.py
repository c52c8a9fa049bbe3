"""What is known of a photo between the two stages around a device, and of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fcn_core.geometry import Placement, Size


@dataclass(frozen=True, slots=True)
class Row:
    """A photo, a view or a tile of it as one model gets it: a row of a batch.

    Attributes:
        model: Number of the model.
        padded: Height and width of its pixels.
        pixels: Where they begin in the block.
        logits: Where the logits of each part of the model begin.
    """

    model: int
    padded: Size
    pixels: int
    logits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known of a photo between the two stages, besides its pixels.

    Attributes:
        sha256: Of the photo's bytes, hex.
        size: Height and width of the upright original.
        placements: Where it lies in the input of each model.
        views: How many views of it each model gets.
    """

    sha256: str
    size: Size
    placements: tuple[Placement, ...]
    views: tuple[int, ...]

    def to_json(self) -> list[Any]:
        """Returns it as JSON values."""
        sizes = [[p.original, p.fitted, p.padded] for p in self.placements]
        return [self.sha256, self.size, sizes, self.views]

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> "Prepared":
        """Returns what `to_json` was called on."""
        sha256, size, placements, views = value
        found = (Placement(*(Size(*side) for side in each)) for each in placements)
        return cls(sha256, Size(*size), tuple(found), tuple(views))
