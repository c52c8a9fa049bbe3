"""A photo's way over a device: what is done before the network and after it.

Pixels and logits lie in a block of memory that both sides see. Where they lie follows
from the sizes of the photo alone, so that each side computes it for itself.
"""

import functools
import math
import mmap
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fcn_core import geometry, images
from fcn_core.bundles.card import ModelCard
from fcn_core.geometry import Size
from fcn_core.labels import Views
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.feed import WHOLE, Fed, FedPhoto, Feed, feed_of
from fcn_core.scoring.photo import PhotoScore, check_tasks, with_outputs
from fcn_core.scoring.prepared import Prepared, Row
from fcn_core.scoring.scorers import logits_shape, outputs_of, tiles_of
from fcn_core.scoring.tiling import Tile, Tiles, shown
from fcn_core.views import most_views

_KNOWN_LAYOUTS: Final = 256
_ALIGNED: Final = 64
"""Arrays in a block start on multiples of it, in bytes: on cache lines."""

Block = memoryview | bytearray | mmap.mmap
"""Memory that the sides share, `PhotoStages.block_bytes` long."""


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
        tile: Photos above this side are computed in tiles, see `load_scorer`.
        views: As for `PhotoScorer`.
    """

    def __init__(
        self,
        cards: Sequence[ModelCard],
        *,
        arithmetics: Sequence[Arithmetic],
        max_side: int | None = None,
        masks: bool = True,
        tile: int | None = None,
        views: Views = WHOLE,
    ) -> None:
        check_tasks(cards)
        self._cards, self._masks = cards, masks
        self._dtypes = [
            [np.dtype(wire_dtype(part, arithmetic)) for part in card.parts]
            for card, arithmetic in zip(cards, arithmetics, strict=True)
        ]
        self._feeds = [feed_of(card, max_side, shown=views) for card in cards]
        self._tiles = [tiles_of(card, tile) for card in cards]
        # Photos of a night have few sizes.
        self._layout = functools.lru_cache(_KNOWN_LAYOUTS)(self._lay_out)

    @property
    def block_bytes(self) -> int:
        """What the largest photo takes; a bound, of which little is ever touched."""
        total = 0
        for card, feed, tiles in zip(
            self._cards, self._feeds, self._tiles, strict=True
        ):
            pixels = _most_pixels(feed, tiles)
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
        prepared = Prepared(
            photo.sha256,
            Size(photo.height, photo.width),
            placements=tuple(each.placement for each in fed),
            views=tuple(len(each.batch) for each in fed),
        )
        if block is not None:
            self._write(prepared, fed, block)
        return prepared

    def _write(self, prepared: Prepared, fed: Sequence[Fed], block: Block) -> None:
        """Writes pixels; those that models share once."""
        places = dict[int, NDArray[np.uint8]]()
        for each, laid in zip(fed, self._by_model(prepared), strict=True):
            seen = (
                shown(view[None], part)[0] for view in each.batch for part in laid.parts
            )
            starts = (row.pixels for row in laid.rows)
            places.update(zip(starts, seen, strict=True))
        for start, pixels in places.items():
            array_at(block, start, pixels.shape, dtype=np.uint8)[:] = pixels

    def rows(self, prepared: Prepared) -> Sequence[Row]:
        """Returns where a photo's pixels and logits lie, for each model."""
        return [row for laid in self._by_model(prepared) for row in laid.rows]

    def _by_model(self, prepared: Prepared) -> "Sequence[_Laid]":
        sizes = (placement.padded for placement in prepared.placements)
        return self._layout(tuple(zip(sizes, prepared.views, strict=True)))

    def _lay_out(self, inputs: Sequence[tuple[Size, int]]) -> "Sequence[_Laid]":
        end, shared, found = 0, dict[Feed, list[int]](), list[_Laid]()
        for number, (feed, (padded, count)) in enumerate(
            zip(self._feeds, inputs, strict=True)
        ):
            tiles = self._tiles[number] or Tiles(tile=max(padded), multiple=1)
            parts = tiles.of(*padded)
            size = Size(*(span.stop - span.start for span in parts[0]))
            if feed not in shared:
                length = _aligned(3 * math.prod(size))
                shared[feed] = [end + n * length for n in range(count * len(parts))]
                end += length * len(shared[feed])
            rows = list[Row]()
            for pixels in shared[feed]:
                logits, end = self._logits(number, size, end)
                rows.append(Row(number, size, pixels, logits))
            found.append(_Laid(parts, rows))
        return found

    def _logits(self, model: int, size: Size, end: int) -> tuple[tuple[int, ...], int]:
        """Returns where a row's logits begin, and where the last ones end."""
        places = list[int]()
        for part, dtype in zip(
            self._cards[model].parts, self._dtypes[model], strict=True
        ):
            places.append(end)
            end += _aligned(math.prod(logits_shape(part, size)) * dtype.itemsize)
        return tuple(places), end

    def finish(self, prepared: Prepared, block: Block) -> PhotoScore:
        """Makes a photo's score of the logits in its block.

        Raises:
            images.BadImage: The logits are not finite.
            ModelError: They are not what the card promises.
        """
        score = PhotoScore(prepared.sha256, *prepared.size)
        for number, laid in enumerate(self._by_model(prepared)):
            card, placement = self._cards[number], prepared.placements[number]
            maps = [self._read(row, block) for row in laid.rows]
            computed = self._joined(number, placement.padded, maps)
            sizes = np.array([placement.fitted] * prepared.views[number], np.int32)
            outputs = outputs_of(computed, sizes, card, padded=placement.padded)
            score = with_outputs(
                score, outputs, card, placement=placement, masks=self._masks
            )
        return score

    def _read(self, row: Row, block: Block) -> list[NDArray[np.float32]]:
        """Returns the logits of a row, `[1, h, w, C]` for each part of its model."""
        found = []
        for start, part, dtype in zip(
            row.logits,
            self._cards[row.model].parts,
            self._dtypes[row.model],
            strict=True,
        ):
            shape = (1, *logits_shape(part, row.padded))
            logits = array_at(block, start, shape, dtype=dtype)
            found.append(logits.astype(np.float32, copy=False))
        return found

    def _joined(
        self, model: int, padded: Size, maps: Sequence[list[NDArray[np.float32]]]
    ) -> list[NDArray[np.float32]]:
        """Returns the logits of all views `[V, h, w, C]`, of those of their tiles."""
        if len(maps) == 1:
            return maps[0]
        tiles = self._tiles[model]
        if tiles is not None:
            count = len(tiles.of(*padded))
            maps = [
                tiles.stitched(padded, maps[first : first + count])
                for first in range(0, len(maps), count)
            ]
        return [np.concatenate(part) for part in zip(*maps, strict=True)]


class _Laid(NamedTuple):
    """How a photo lies in a block for one model: tiles of a view, rows of all views."""

    parts: Sequence[Tile]
    rows: Sequence[Row]


def array_at(
    block: Block, start: int, shape: Sequence[int], *, dtype: DTypeLike
) -> NDArray[Any]:
    """Returns an array as it lies in a block, not a copy of it."""
    return np.ndarray(shape, dtype, buffer=block, offset=start)


def _most_pixels(feed: Feed, tiles: Tiles | None) -> int:
    """Returns a bound for the pixels that a network sees of any photo."""
    rounded = geometry.round_up((feed.minimum, feed.minimum), feed.multiple).height
    limits = images.DEFAULT_LIMITS
    if feed.nearest_pixels is not None and feed.views != WHOLE:
        return most_views(limits.max_aspect) * feed.nearest_pixels
    if feed.nearest_pixels is not None:
        # The long side of the narrowest photo, whose short side was rounded up.
        long = math.isqrt(feed.nearest_pixels * limits.max_aspect) + rounded
        return max(4 * feed.nearest_pixels, long * rounded)
    if feed.max_side is not None:
        side = geometry.round_up((feed.max_side, rounded), feed.multiple).height
        side = max(side, rounded)
        return side**2 if tiles is None else tiles.most_pixels(side)
    pixels = limits.max_pixels * feed.enlarge**2
    return int(pixels + 2 * rounded * math.sqrt(pixels * limits.max_aspect))


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
