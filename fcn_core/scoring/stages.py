"""A photo's way over a device: what is done before the network and after it.

Pixels and logits lie in a block of memory that both sides see. Where they lie follows
from the sizes of the photo alone, so that each side computes it for itself.
"""

import functools
import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fcn_core import geometry, images
from fcn_core.bundles.card import ModelCard
from fcn_core.geometry import Placement, Size
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.feed import FedPhoto, Feed, feed_of
from fcn_core.scoring.photo import PhotoScore, check_tasks, with_outputs
from fcn_core.scoring.scorers import logits_shape, outputs_of

_KNOWN_LAYOUTS: Final = 256
_ALIGNED: Final = 64
"""Arrays in a block start on multiples of it, in bytes: on cache lines."""

Block = memoryview | bytearray | mmap.mmap
"""Memory that the sides share, `PhotoStages.block_bytes` long."""


@dataclass(frozen=True, slots=True)
class Row:
    """A photo as one model gets it: a row of a batch.

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
    """

    sha256: str
    size: Size
    placements: tuple[Placement, ...]

    def to_json(self) -> list[Any]:
        """Returns it as JSON values."""
        sizes = [[p.original, p.fitted, p.padded] for p in self.placements]
        return [self.sha256, self.size, sizes]

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> "Prepared":
        """Returns what `to_json` was called on."""
        sha256, size, placements = value
        found = (Placement(*(Size(*side) for side in each)) for each in placements)
        return cls(sha256, Size(*size), tuple(found))


def wire_dtype(part: ModelCard, arithmetic: Arithmetic) -> DTypeLike:
    """Returns how the logits of one part of a card leave the device.

    Half precision has the digits that a GPU's bf16 and f16 leave, and takes half the
    memory. Ratings are few numbers, and what a processor computes must be what it
    computes without batches.
    """
    is_exact = arithmetic.precision == "f32" or not arithmetic.on_gpu
    return np.float32 if is_exact or part.task != "segmentation" else np.float16


class PhotoStages:
    """What happens to photos before and after the networks.

    Args:
        cards: Of the models, at most one a task.
        arithmetics: What computes each network.
        max_side: Overrides the working size of every model's card.
        masks: Whether to encode masks.
    """

    def __init__(
        self,
        cards: Sequence[ModelCard],
        *,
        arithmetics: Sequence[Arithmetic],
        max_side: int | None = None,
        masks: bool = True,
    ) -> None:
        check_tasks(cards)
        self._cards, self._masks = cards, masks
        self._dtypes = [
            [np.dtype(wire_dtype(part, arithmetic)) for part in card.parts]
            for card, arithmetic in zip(cards, arithmetics, strict=True)
        ]
        self._feeds = [feed_of(card, max_side) for card in cards]
        # Photos of a night have few sizes.
        self._layout = functools.lru_cache(_KNOWN_LAYOUTS)(self._lay_out)

    @property
    def block_bytes(self) -> int:
        """What the largest photo takes; a bound, of which little is ever touched."""
        total = 0
        for card, feed in zip(self._cards, self._feeds, strict=True):
            pixels = _most_pixels(feed)
            total += _aligned(3 * pixels)
            for part in card.parts:
                cells = pixels // part.logits_stride**2
                total += _aligned(4 * cells * part.num_classes)
        return total

    def prepare(self, data: bytes, block: Block | None) -> Prepared:
        """Decodes a photo and writes its pixels as the models want them.

        Args:
            data: The encoded photo.
            block: Where to; None: nowhere, to find out whether it can be decoded.

        Raises:
            images.BadImage: It cannot be decoded, with a reason.
        """
        photo = FedPhoto(data)
        fed = [photo.feed(feed) for feed in self._feeds]
        size = Size(photo.height, photo.width)
        prepared = Prepared(photo.sha256, size, tuple(f.placement for f in fed))
        if block is not None:
            rows = zip(self.rows(prepared), fed, strict=True)
            for start, pixels in {row.pixels: f.batch[0] for row, f in rows}.items():
                array_at(block, start, pixels.shape, dtype=np.uint8)[:] = pixels
        return prepared

    def rows(self, prepared: Prepared) -> Sequence[Row]:
        """Returns where a photo's pixels and logits lie, for each model."""
        return self._layout(tuple(each.padded for each in prepared.placements))

    def _lay_out(self, sizes: Sequence[Size]) -> Sequence[Row]:
        end, shared, rows = 0, dict[Feed, int](), list[Row]()
        for number, (card, feed, padded) in enumerate(
            zip(self._cards, self._feeds, sizes, strict=True)
        ):
            if feed not in shared:
                shared[feed] = end
                end += _aligned(3 * padded.height * padded.width)
            logits = list[int]()
            for part, dtype in zip(card.parts, self._dtypes[number], strict=True):
                logits.append(end)
                values = math.prod(logits_shape(part, padded))
                end += _aligned(values * dtype.itemsize)
            rows.append(Row(number, padded, shared[feed], tuple(logits)))
        return tuple(rows)

    def finish(self, prepared: Prepared, block: Block) -> PhotoScore:
        """Makes a photo's score of the logits in its block.

        Raises:
            images.BadImage: The logits are not finite.
            ModelError: They are not what the card promises.
        """
        score = PhotoScore(prepared.sha256, *prepared.size)
        for row in self.rows(prepared):
            card, placement = self._cards[row.model], prepared.placements[row.model]
            computed = []
            for start, part, dtype in zip(
                row.logits, card.parts, self._dtypes[row.model], strict=True
            ):
                shape = logits_shape(part, row.padded)
                logits = array_at(block, start, shape, dtype=dtype)
                computed.append(logits.astype(np.float32, copy=False)[None])
            sizes = np.array([placement.fitted], np.int32)
            outputs = outputs_of(computed, sizes, card, padded=row.padded)
            score = with_outputs(
                score, outputs, card, placement=placement, masks=self._masks
            )
        return score


def array_at(
    block: Block, start: int, shape: Sequence[int], *, dtype: DTypeLike
) -> NDArray[Any]:
    """Returns an array as it lies in a block, not a copy of it."""
    return np.ndarray(shape, dtype, buffer=block, offset=start)


def _most_pixels(feed: Feed) -> int:
    """Returns a bound for the padded pixels of any photo."""
    rounded = geometry.round_up((feed.minimum, feed.minimum), feed.multiple).height
    limits = images.DEFAULT_LIMITS
    if feed.nearest_pixels is not None:
        # The long side of the narrowest photo, whose short side was rounded up.
        long = math.isqrt(feed.nearest_pixels * limits.max_aspect) + rounded
        return max(4 * feed.nearest_pixels, long * rounded)
    if feed.max_side is not None:
        side = geometry.round_up((feed.max_side, rounded), feed.multiple).height
        return max(side, rounded) ** 2
    pixels = limits.max_pixels * feed.enlarge**2
    return int(pixels + 2 * rounded * math.sqrt(pixels * limits.max_aspect))


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
