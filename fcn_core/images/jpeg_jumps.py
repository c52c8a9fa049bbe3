"""Pixels that jump where a JPEG's coded data may be damaged.

Blocks are coded as the difference of their level to that of the block before. So what
is damaged without a trace in the syntax moves all levels behind it, by the same amount:
a step that begins inside a row of blocks, runs along its upper edge to the right, and
along its lower edge to the left. No picture has such an edge by itself.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_SAMPLES: Final = 125
"""Of a row, for the first look, which every photo pays for."""
_BEND: Final = 8
"""Bends above count no more than this, so that no single edge decides."""
_SUSPICIOUS: Final = 0.45
"""Of 526 good photos 6% are above, which are then looked at closely."""
_MOST_COLUMNS: Final = 512
_MOST_UNITS: Final = 128
_FEWEST: Final = 6
"""Units across and edges down below which nothing can be told."""
_AROUND: Final = np.arange(-2, 2)
_SIZES: Final = np.array([2, 3, 5, 8, 13, 21, 34, 55, 90, 140], float)
_MOVES: Final = np.concatenate([_SIZES, -_SIZES])[:, None, None]


def find_jump(pixels: NDArray[np.uint8], unit: tuple[int, int]) -> int | None:
    """Returns where the levels may have moved, looking at a few pixels only.

    Args:
        pixels: uint8 `[h, w, 3]`, not turned.
        unit: Height and width in pixels of what is coded at a time.

    Returns:
        A number of an edge between rows of units: the one above the row in which the
        step would begin. None where nothing is suspicious.
    """
    height, width, _ = pixels.shape
    edges = (height - 2) // unit[0]
    if unit[0] < 2 or edges < _FEWEST or width < _FEWEST * unit[1]:
        return None
    places = np.arange(1, edges + 1) * unit[0]
    green = pixels[:, :: max(1, width // _SAMPLES), 1]
    above, below = green[places - 1], green[places]
    bends = np.subtract(below, above, dtype=np.int16)
    bends *= 3
    bends -= green[places + 1]
    bends += green[places - 2]
    np.minimum(bends, _BEND, out=bends)
    np.maximum(bends, -_BEND, out=bends)
    sums = np.add.reduce(bends, 1, dtype=np.int32)
    pairs = np.abs(sums[1:] + sums[:-1])
    edge = int(pairs.argmax())
    if pairs[edge] < _SUSPICIOUS * _BEND * green.shape[1]:
        return None
    return edge


def jump_evidence(pixels: NDArray[np.uint8], unit: tuple[int, int], edge: int) -> float:
    """Returns how much better a jump explains what is seen around an edge.

    Args:
        pixels: uint8 `[h, w, 3]`, not turned.
        unit: Height and width in pixels of what is coded at a time.
        edge: What `find_jump` returned.

    Returns:
        A logarithm of likelihoods, summed over units of a row and over colours.
    """
    width = pixels.shape[1]
    columns = unit[1] * -(-width // (unit[1] * _MOST_UNITS))
    across = width // columns
    step = max(1, across * columns // _MOST_COLUMNS)
    places = np.arange(unit[0], pixels.shape[0] - 1, unit[0])
    rows = pixels[(places[:, None] + _AROUND).ravel(), : across * columns : step]
    near = rows.astype(np.float64).reshape(len(places), len(_AROUND), -1, 3)
    bends = 1.5 * (near[:, 2] - near[:, 1]) - 0.5 * (near[:, 3] - near[:, 0])
    starts = -(-np.arange(across) * columns // step)
    evidence = np.zeros(across - 1)
    for colour in range(3):
        usual = max(1.0, float(np.median(np.abs(bends[..., colour]))))
        seen = bends[edge : edge + 2, :, colour] / usual
        evidence += _gain(seen, _MOVES / usual, starts)
    return float(evidence.max())


def _gain(
    seen: NDArray[np.float64], moves: NDArray[np.float64], starts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Returns for each unit but the first what a jump that begins there explains.

    Args:
        seen: float64 `[2, n]`: bends along the upper and the lower edge, with heavy
            tails and a scale of 1.
        moves: float64 `[moves, 1, 1]`: by how much levels may have moved.
        starts: int64 `[units]`: the first sample of each unit.

    Returns:
        float64 `[units - 1]`, nothing below 0.
    """
    gains = np.log1p(seen**2) - np.log1p((seen - moves) ** 2)
    counts = np.diff(starts, append=seen.shape[1])
    units = np.add.reduceat(gains, starts, axis=2) / counts
    totals = units.sum(2)
    before = units.cumsum(2)[:, :, :-1]
    moved = totals[:, :1] - before[:, 0] + before[:, 1]
    others = before[:, 0] + totals[:, 1:] - before[:, 1]
    # A frame's edge runs along one row from side to side, and needs no jump.
    framed = np.maximum(totals.max(1), 0)[:, None]
    explained = np.minimum(moved - framed, moved - 2 * np.maximum(others, 0))
    return np.maximum(explained.max(0), 0)
