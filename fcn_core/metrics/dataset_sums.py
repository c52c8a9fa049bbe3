"""What a data set's photos and labels are, as exact sums that add up in any order.

Each class here and in `rating_moments` is a monoid (its empty value, `+`, `result`).
What is counted by value has a bounded number of values (class ids, sides up to 65,535,
ratings by the hundredth), so a statistic of ten million photos weighs no more than one
of a thousand.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fcn_core.labels import VOID
from fcn_core.metrics.tallies import (
    Figures,
    Sums,
    Tally,
    by_value,
    share_of,
    spread,
    tally,
)

SHARE_STEPS: Final = 1000
"""Shares of void are counted by the thousandth."""


class PhotoSums(Sums):
    """Sizes and forms of the photos.

    Attributes:
        records: Photos.
        widths: Pixels, as stored.
        heights: Pixels, as stored.
        longer_sides: The larger of both.
        shapes: Landscape, portrait or square, as stored.
        formats: "jpeg" or "png".
        channels: Components in the file.
        orientations: EXIF's, 1 to 8.
    """

    records: int = 0
    widths: Tally = Field({})
    heights: Tally = Field({})
    longer_sides: Tally = Field({})
    shapes: dict[str, int] = Field({})
    formats: dict[str, int] = Field({})
    channels: Tally = Field({})
    orientations: Tally = Field({})

    @classmethod
    def of(
        cls,
        *,
        widths: NDArray[np.integer],
        heights: NDArray[np.integer],
        formats: Sequence[str],
        channels: NDArray[np.integer],
        orientations: NDArray[np.integer],
    ) -> Self:
        """Counts photos; every argument has one value a photo."""
        turns = np.sign(widths.astype(np.int64) - heights)
        shapes = Counter(("square", "landscape", "portrait")[turn] for turn in turns)
        return cls(
            records=len(widths),
            widths=tally(widths),
            heights=tally(heights),
            longer_sides=tally(np.maximum(widths, heights)),
            shapes=dict(shapes),
            formats=dict(Counter(formats)),
            channels=tally(channels),
            orientations=tally(orientations),
        )

    def result(self) -> Figures:
        """Returns the figures for `fcn stats --json`."""
        return {
            "width": spread(self.widths),
            "height": spread(self.heights),
            "longer_side": spread(self.longer_sides),
            "longer_sides": by_value(self.longer_sides),
            "shapes": by_value(self.shapes),
            "formats": by_value(self.formats),
            "channels": by_value(self.channels),
            "orientations": by_value(self.orientations),
        }


class LabelSums(Sums):
    """Pixels of the labels.

    Attributes:
        images: Labels counted.
        pixels: Of each class id, void among them.
        images_of: Labels that have the class id.
        pixels_beside: Class id -> all pixels but void of the labels that have it.
        void_shares: A label's void, in thousandths of its pixels, rounded.
        sources: Whose labels they are.
        void_of: Source -> void pixels.
        pixels_of: Source -> all pixels.
    """

    images: int = 0
    pixels: Tally = Field({})
    images_of: Tally = Field({})
    pixels_beside: Tally = Field({})
    void_shares: Tally = Field({})
    sources: dict[str, int] = Field({})
    void_of: dict[str, int] = Field({})
    pixels_of: dict[str, int] = Field({})

    @classmethod
    def of(cls, counts: NDArray[np.integer], *, source: str, void: int = VOID) -> Self:
        """Counts one label.

        Args:
            counts: Pixels of each class id, `[256]`.
            source: Whose label it is.
            void: The id that is no class.
        """
        total, empty = int(counts.sum()), int(counts[void])
        present = {int(i): int(counts[i]) for i in np.flatnonzero(counts)}
        return cls(
            images=1,
            pixels=present,
            images_of=dict.fromkeys(present, 1),
            pixels_beside={i: total - empty for i in present if i != void},
            void_shares={round(SHARE_STEPS * empty / total): 1},
            sources={source: 1},
            void_of={source: empty},
            pixels_of={source: total},
        )

    def result(self, classes: Sequence[str], *, void: int = VOID) -> Figures:
        """Returns the figures for `fcn stats --json`; shares leave void out."""
        total = sum(self.pixels.values())
        known = total - self.pixels.get(void, 0)
        return {
            "images": self.images,
            "pixels": total,
            "classes": [
                {
                    "id": class_id,
                    "name": name,
                    "images": self.images_of.get(class_id, 0),
                    "pixels": self.pixels.get(class_id, 0),
                    "share": share_of(self.pixels.get(class_id, 0), known),
                    "share_where_present": share_of(
                        self.pixels.get(class_id, 0),
                        self.pixels_beside.get(class_id, 0),
                    ),
                }
                for class_id, name in enumerate(classes)
            ],
            "void": {
                "pixels": self.pixels.get(void, 0),
                "share": share_of(self.pixels.get(void, 0), total),
                "images": self.images_of.get(void, 0),
                "share_of_an_image": spread(self.void_shares, SHARE_STEPS),
                "thousandths": by_value(self.void_shares),
            },
            "sources": {
                name: {
                    "images": count,
                    "void_share": share_of(self.void_of[name], self.pixels_of[name]),
                }
                for name, count in sorted(self.sources.items())
            },
        }
