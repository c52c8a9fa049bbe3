"""How a model wants its pixels: fitted and padded, or sampled in views."""

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images, views
from fcn_core.bundles.card import ModelCard
from fcn_core.labels import Views
from fcn_core.records.record import ImageRecord
from fcn_core.scoring.scorers import side_multiple

WHOLE: Final = "1"


@dataclass(frozen=True)
class Feed:
    """What decides the pixels of a model; models of equal feeds share them."""

    max_side: int | None
    enlarge: float
    multiple: int
    minimum: int
    padding_value: tuple[int, int, int]
    nearest_pixels: int | None = None
    views: Views = WHOLE


@dataclass(frozen=True)
class Fed:
    """A photo ready for a network: uint8 `[views, H, W, 3]`, and where it lies there.

    There is one view, unless the feed says otherwise.
    """

    batch: NDArray[np.uint8]
    placement: geometry.Placement

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Valid height and width: int32 `[views, 2]`."""
        return np.array([self.placement.fitted] * len(self.batch), np.int32)


def feed_of(
    card: ModelCard, max_side: int | None = None, *, shown: Views = WHOLE
) -> Feed:
    """Returns how a model wants its pixels.

    Args:
        card: Of the model.
        max_side: Instead of the card's; None, or a model of one area: the card's.
        shown: Of models of one area; others see every photo whole.
    """
    if card.nearest_pixels is None:
        shown = WHOLE
    is_given = max_side is not None and card.nearest_pixels is None
    return Feed(
        max_side=(
            max_side if is_given else None if shown == "square" else card.max_side
        ),
        enlarge=card.enlarge,
        multiple=side_multiple(card),
        minimum=card.minimum_side,
        padding_value=card.padding_value,
        nearest_pixels=card.nearest_pixels,
        views=shown,
    )


def prepare(image: images.DecodedImage, feed: Feed) -> Fed:
    """Fits and pads a decoded photo, or samples its views."""
    if feed.nearest_pixels is not None and feed.views != WHOLE:
        side = math.isqrt(feed.nearest_pixels)
        return _sampled(image, feed, side)
    placement = place(geometry.Size(image.height, image.width), feed)
    fitted = _fitted(image, feed, placement)
    padded = images.pad(fitted, placement.padded, feed.padding_value)
    return Fed(batch=padded[None], placement=placement)


def place(size: geometry.Size, feed: Feed) -> geometry.Placement:
    """Returns where a whole photo of a size lies in its padded input."""
    return geometry.place(
        size,
        max_side=feed.max_side,
        enlarge=feed.enlarge,
        multiple=feed.multiple,
        minimum=feed.minimum,
        nearest_pixels=feed.nearest_pixels,
    )


def _fitted(
    image: images.DecodedImage, feed: Feed, placement: geometry.Placement
) -> NDArray[np.uint8]:
    if feed.nearest_pixels is None:
        return images.resize(image.pixels, placement.fitted)
    return images.sample(_reduced(image, feed), placement.fitted)


def _reduced(image: images.DecodedImage, feed: Feed) -> NDArray[np.uint8]:
    """Returns a photo at the working size, with a filter if that is smaller.

    Every so many-th pixel of a large photo is another picture.
    """
    size = geometry.fit(
        (image.height, image.width), max_side=feed.max_side, enlarge=feed.enlarge
    )
    return images.resize(image.pixels, size, sharp=True)


def _sampled(image: images.DecodedImage, feed: Feed, side: int) -> Fed:
    """Returns squares of a photo, sampled without a filter."""
    pixels = _reduced(image, feed)
    mode: views.ViewMode = "nearest" if feed.views == "square" else "multi_crop"
    shown = views.views((pixels.shape[0], pixels.shape[1]), mode, side=side)
    squares = [
        images.view(pixels, replace(view, sampled=True), feed.padding_value)
        for view in shown
    ]
    size = geometry.Size(side, side)
    placement = geometry.Placement(
        original=geometry.Size(image.height, image.width), fitted=size, padded=size
    )
    return Fed(batch=np.stack(squares), placement=placement)


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
        self._decoded.append(
            images.decode(self._data, max_side=max_side, is_foreign=True)
        )
        return self._decoded[-1]


def working_pixels(record: ImageRecord, *, max_side: int | None) -> NDArray[np.uint8]:
    """Returns a record's photo at the size a model works at, uint8 `[H, W, 3]`."""
    decoded = images.decode(record.encoded, max_side=max_side)
    size = geometry.fit((decoded.height, decoded.width), max_side=max_side)
    return images.resize(decoded.pixels, size)
