"""Photos too large for one call: tiles that overlap, and one map of logits again.

A tile sees nothing beyond its border, so its logits close to the border are dropped:
each logit comes from the tile in which it lies deepest. Tiles start on multiples of the
deepest stride, so that features fall where they fall in the whole photo; the logits are
then those of the whole photo wherever a network looks no further than the margin.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry
from fcn_core.scoring.engines import Engine

DEEPEST_STRIDE = 32


class Span(NamedTuple):
    """A tile along one axis, in pixels: what it sees, and what is kept of it."""

    start: int
    stop: int
    keep_from: int
    keep_to: int


Tile = tuple[Span, Span]
"""Along rows and columns."""


def spans(length: int, *, tile: int, margin: int, multiple: int) -> list[Span]:
    """Covers an axis with tiles of one length.

    Args:
        length: Of the axis in pixels, a multiple of `multiple`.
        tile: Length of a tile in pixels, a multiple of `multiple`.
        margin: Pixels next to a tile's border that come from another tile, a multiple
            of `multiple`, less than half a tile.
        multiple: Where tiles may start, in pixels.

    Returns:
        Tiles from the first to the last pixel; what is kept of them lies side by side.

    Raises:
        ValueError: A number is not such a multiple, or the margins leave nothing.
    """
    off = any(number % multiple for number in (length, tile, margin))
    if off or (tile <= 2 * margin and tile < length):
        raise ValueError(
            f"tiles of {tile} with a margin of {margin} over {length} pixels, expected "
            f"multiples of {multiple} and a margin below half a tile; correct the call"
        )
    if tile >= length:
        return [Span(0, length, 0, length)]
    starts = [*range(0, length - tile, tile - 2 * margin), length - tile]
    cuts = [0]
    for before, after in itertools.pairwise(starts):
        overlap = before + tile - after
        cuts.append(after + overlap // 2 // multiple * multiple)
    cuts.append(length)
    return [
        Span(start, start + tile, cuts[number], cuts[number + 1])
        for number, start in enumerate(starts)
    ]


class Tiles:
    """Which tiles a photo is cut into, and how their logits become one map.

    Args:
        tile: Longest side of a tile in pixels; rounded up to what the network accepts.
        multiple: Sides that the network's caller uses are multiples of it, in pixels.
        minimum: Smallest side the network accepts, in pixels.
        starts: Tiles start on multiples of it, in pixels.
    """

    def __init__(
        self,
        *,
        tile: int,
        multiple: int,
        minimum: int = 1,
        starts: int = DEEPEST_STRIDE,
    ) -> None:
        self._tile = geometry.round_up((tile, tile), multiple, minimum=minimum).height
        self._multiple = int(np.gcd(multiple, starts))
        margin = -(-self._tile // 8 // self._multiple)
        most = (self._tile - 1) // 2 // self._multiple
        self._margin = min(margin, most) * self._multiple

    def of(self, height: int, width: int) -> list[Tile]:
        """Returns the tiles of a padded photo, all of one size."""
        numbers = {"margin": self._margin, "multiple": self._multiple}
        rows = spans(height, tile=min(self._tile, height), **numbers)
        columns = spans(width, tile=min(self._tile, width), **numbers)
        return [*itertools.product(rows, columns)]

    def most_pixels(self, side: int) -> int:
        """Returns a bound for the pixels of all tiles of photos up to a side."""
        step = max(self._multiple, self._tile - 2 * self._margin)
        return ((side // step + 2) * min(self._tile, side)) ** 2

    def stitched(
        self,
        size: tuple[int, int],
        maps: Iterable[Sequence[NDArray[np.float32]]],
    ) -> list[NDArray[np.float32]]:
        """Lays the kept parts of the maps of all tiles side by side.

        Args:
            size: Height and width of the padded photo.
            maps: `[B, h, w, C]` of each tile, in the order of `of`, some for each.
        """
        whole: list[NDArray[np.float32]] = []
        for tile, outputs in zip(self.of(*size), maps, strict=True):
            for number, found in enumerate(outputs):
                stride = (tile[0].stop - tile[0].start) // found.shape[1]
                if number == len(whole):
                    cells = size[0] // stride, size[1] // stride
                    shape = (len(found), *cells, found.shape[3])
                    whole.append(np.empty(shape, np.float32))
                target, source = (
                    tuple(_cells(span, stride, inside) for span in tile)
                    for inside in (False, True)
                )
                whole[number][:, *target] = found[:, *source]
        return whole


class TiledEngine:
    """An engine that never runs on more than a tile at once.

    Args:
        engine: Runs a tile.
        tiles: Which there are.
    """

    def __init__(self, engine: Engine, tiles: Tiles) -> None:
        self._engine, self._tiles = engine, tiles

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Engine.logits`."""
        (logits,) = self._stitch(images, lambda part: (self._engine.logits(part),))
        return logits

    def both_logits(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Engine.both_logits`."""
        classes, ratings = self._stitch(images, self._engine.both_logits)
        return classes, ratings

    def _stitch(
        self,
        images: NDArray[np.uint8],
        run: Callable[[NDArray[np.uint8]], Sequence[NDArray[np.float32]]],
    ) -> list[NDArray[np.float32]]:
        """Runs every tile and lays the kept parts of its maps side by side."""
        height, width = images.shape[1:3]
        maps = (
            run(np.ascontiguousarray(shown(images, tile)))
            for tile in self._tiles.of(height, width)
        )
        return self._tiles.stitched((height, width), maps)


def shown(images: NDArray[np.uint8], tile: Tile) -> NDArray[np.uint8]:
    """Returns what a tile sees of `[B, H, W, 3]`, not a copy of it."""
    rows, columns = tile
    return images[:, rows.start : rows.stop, columns.start : columns.stop]


def _cells(span: Span, stride: int, inside: bool) -> slice:
    """Returns the kept cells of an axis, counted from the photo's or tile's start."""
    first = span.start if inside else 0
    return slice((span.keep_from - first) // stride, (span.keep_to - first) // stride)
