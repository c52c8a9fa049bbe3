"""How a model wants its pixels: fitted and padded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images
from fcn_core.bundles.card import ModelCard
from fcn_core.records.record import ImageRecord
from fcn_core.scoring.scorers import side_multiple


@dataclass(frozen=True)
class Feed:
    """What decides the pixels of a model; models of equal feeds share them."""

    max_side: int | None
    enlarge: float
    multiple: int
    minimum: int
    padding_value: tuple[int, int, int]
    nearest_pixels: int | None = None


@dataclass(frozen=True)
class Fed:
    """A photo ready for a network: uint8 `[1, H, W, 3]`, and where it lies there."""

    batch: NDArray[np.uint8]
    placement: geometry.Placement

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Valid height and width: int32 `[1, 2]`."""
        return np.array([self.placement.fitted], np.int32)


def feed_of(card: ModelCard, max_side: int | None = None) -> Feed:
    """Returns how a model wants its pixels.

    Args:
        card: Of the model.
        max_side: Instead of the card's; None, or a model of one area: the card's.
    """
    is_given = max_side is not None and card.nearest_pixels is None
    return Feed(
        max_side=max_side if is_given else card.max_side,
        enlarge=card.enlarge,
        multiple=side_multiple(card),
        minimum=card.minimum_side,
        padding_value=card.padding_value,
        nearest_pixels=card.nearest_pixels,
    )


def prepare(image: images.DecodedImage, feed: Feed) -> Fed:
    """Fits and pads a decoded photo."""
    placement = geometry.place(
        geometry.Size(image.height, image.width),
        max_side=feed.max_side,
        enlarge=feed.enlarge,
        multiple=feed.multiple,
        minimum=feed.minimum,
        nearest_pixels=feed.nearest_pixels,
    )
    fitted = _fitted(image, feed, placement)
    padded = images.pad(fitted, placement.padded, feed.padding_value)
    return Fed(batch=padded[None], placement=placement)


def _fitted(
    image: images.DecodedImage, feed: Feed, placement: geometry.Placement
) -> NDArray[np.uint8]:
    if feed.nearest_pixels is None:
        return images.resize(image.pixels, placement.fitted)
    # First with a filter: every so many-th pixel of a large photo is another picture.
    size = geometry.fit(
        placement.original, max_side=feed.max_side, enlarge=feed.enlarge
    )
    reduced = images.resize(image.pixels, size, sharp=True)
    return images.sample(reduced, placement.fitted)


def working_pixels(record: ImageRecord, *, max_side: int | None) -> NDArray[np.uint8]:
    """Returns a record's photo at the size a model works at, uint8 `[H, W, 3]`."""
    decoded = images.decode(record.encoded, max_side=max_side)
    size = geometry.fit((decoded.height, decoded.width), max_side=max_side)
    return images.resize(decoded.pixels, size)
