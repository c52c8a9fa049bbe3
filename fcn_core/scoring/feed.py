"""How a model wants its pixels: fitted and padded."""

import hashlib
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


class FedPhoto:
    """A photo as each model wants it; what models share is done once.

    Args:
        data: The encoded photo.

    Attributes:
        sha256: Of `data`, hex.
    """

    def __init__(self, data: bytes) -> None:
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._data = data
        self._decoded: list[images.DecodedImage] = []
        self._fed: dict[Feed, Fed] = {}

    @property
    def height(self) -> int:
        """Of the upright original, in pixels; known after the first feed."""
        return self._decoded[0].height

    @property
    def width(self) -> int:
        """Likewise."""
        return self._decoded[0].width

    def feed(self, feed: Feed) -> Fed:
        """Returns the photo as models of a feed want it.

        Raises:
            images.BadImage: It cannot be decoded, with a reason.
        """
        if feed not in self._fed:
            self._fed[feed] = prepare(self._decode(feed.max_side), feed)
        return self._fed[feed]

    def _decode(self, max_side: int | None) -> images.DecodedImage:
        for image in self._decoded:
            if images.is_decoded_for(image, max_side):
                return image
        self._decoded.append(images.decode(self._data, max_side=max_side))
        return self._decoded[-1]


def working_pixels(record: ImageRecord, *, max_side: int | None) -> NDArray[np.uint8]:
    """Returns a record's photo at the size a model works at, uint8 `[H, W, 3]`."""
    decoded = images.decode(record.encoded, max_side=max_side)
    size = geometry.fit((decoded.height, decoded.width), max_side=max_side)
    return images.resize(decoded.pixels, size)
