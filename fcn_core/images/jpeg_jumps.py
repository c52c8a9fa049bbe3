"""Pixels that jump where a JPEG's coded data may be damaged.

Blocks are coded as the difference of their level to that of the block before. So what
is damaged without a trace in the syntax moves all levels behind it, by the same amount:
a step that begins inside a row of blocks, runs along its upper edge to the right, and
along its lower edge to the left. No picture has such an edge by itself.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SAMPLES: Final = 64
"""Of a row, for the first look, which every photo pays for."""
_BEND: Final = 24
"""Bends above count no more than this, so that no single edge decides."""
_SUSPICIOUS: Final = 0.38
"""Share of the largest bends. Of 526 good photos 14% have more somewhere."""
_STEP: Final = 0.32
"""Share that a step has; 8% of good photos have more."""
_HALVES: Final = 0.5
"""Share on either side of where a step begins; hardly a good photo has more."""
_WORTH_A_LOOK: Final = 4.0
"""Evidence of one colour."""
_MOST_COLUMNS: Final = 256
_MOST_UNITS: Final = 128
_MOST_EDGES: Final = 8
"""From which the usual size of bends is taken."""
_COLOURS: Final = (1, 0, 2)
"""Green first: without some evidence there, the others are not asked."""
_FEWEST: Final = 6
"""Units across and edges down below which nothing can be told."""
_AROUND: Final = np.arange(-2, 2)
_SIZES: Final = np.array([2, 3, 5, 8, 13, 21, 34, 55, 90, 140], np.float32)
_MOVES: Final = np.concatenate([_SIZES, -_SIZES])[:, None, None]
_CUBIC: Final = np.array([1, -3, 3, -1], np.float32)
"""Of two rows above an edge and two below: how far these do not go on as those."""
_LARGEST: Final = np.array(_BEND, np.float32)
_SMALLEST: Final = np.array(-_BEND, np.float32)
_ONES: Final = np.ones(2 * _SAMPLES, np.float32)


class Jump(NamedTuple):
    """Where levels may have moved.

    Attributes:
        edge: A number of an edge between rows of units: the one above the row in which
            the step would begin.
        is_inside: Whether it seems to begin inside that row, not at one of its ends.
    """

    edge: int
    is_inside: bool


def find_jump(pixels: NDArray[np.uint8], unit: tuple[int, int]) -> Jump | None:
    """Returns where the levels may have moved, looking at a few pixels only.

    Args:
        pixels: uint8 `[h, w, 3]`, not turned.
        unit: Height and width in pixels of what is coded at a time.

    Returns:
        None where nothing is suspicious.
    """
    height, width, _ = pixels.shape
    down = unit[0]
    edges = (height - 2) // down
    if down < 2 or edges < _FEWEST or width < _FEWEST * unit[1]:
        return None
    # Here calls cost more than samples: few of them, of few kinds.
    step = max(1, width // _SAMPLES)
    samples = -(-width // step)
    row, column, _ = pixels.strides
    start, strides = (down - 2) * row + 1, (row, down * row, step * column)
    near = np.ndarray((4, edges, samples), np.uint8, pixels, start, strides)
    bends = _CUBIC.dot(near.astype(np.float32, "C").reshape(4, -1))
    np.minimum(bends, _LARGEST, out=bends)
    np.maximum(bends, _SMALLEST, out=bends)
    bends = bends.reshape(edges, samples)
    largest, found = _SUSPICIOUS * _BEND * samples, -1
    above, *others = bends.dot(_ONES[:samples]).tolist()
    for edge, below in enumerate(others):
        if abs(above + below) >= largest:
            largest, found = abs(above + below), edge
        above = below
    return _judge(bends[found : found + 2], found) if found >= 0 else None


def _judge(bends: NDArray[np.float32], edge: int) -> Jump | None:
    """Returns the jump between two edges, if there is one place where it may begin.

    Args:
        bends: float32 `[2, n]`: along the upper and the lower edge.
        edge: Number of the upper one.
    """
    samples = bends.shape[1]
    upper, lower = bends.cumsum(1)
    right = upper[-1] - upper
    moved = np.abs(lower + right)
    start = int(moved.argmax())
    if moved[start] < _STEP * _BEND * samples:
        return None
    halves = _HALVES * _BEND * (start + 1), _HALVES * _BEND * (samples - 1 - start)
    is_left, is_right = abs(lower[start]) >= halves[0], abs(right[start]) >= halves[1]
    return Jump(edge, is_inside=bool(is_left and is_right and start < samples - 1))


def jump_evidence(pixels: NDArray[np.uint8], unit: tuple[int, int], edge: int) -> float:
    """Returns how much better a jump explains what is seen around an edge.

    Args:
        pixels: uint8 `[h, w, 3]`, not turned.
        unit: Height and width in pixels of what is coded at a time.
        edge: Of what `find_jump` returned.

    Returns:
        A logarithm of likelihoods, summed over units of a row and over colours.
    """
    width = pixels.shape[1]
    columns = unit[1] * -(-width // (unit[1] * _MOST_UNITS))
    across = width // columns
    step = max(1, across * columns // _MOST_COLUMNS)
    places = np.arange(unit[0], pixels.shape[0] - 1, unit[0])
    usual_at = places[:: -(-len(places) // _MOST_EDGES)]
    picked = pixels[:, : across * columns : step]
    usual = _bends(picked, usual_at)
    seen = _bends(picked, places[edge : edge + 2])
    starts = -(-np.arange(across) * columns // step)
    evidence = np.zeros(across - 1)
    for colour in _COLOURS:
        scale = max(1.0, float(np.median(np.abs(usual[..., colour]))))
        evidence += _gain(seen[..., colour], scale=scale, starts=starts)
        if evidence.max() < _WORTH_A_LOOK:
            break
    return float(evidence.max())


def _bends(pixels: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Returns float32 `[places, w, 3]`: how far rows do not go on as those above."""
    rows = pixels[(places[:, None] + _AROUND).ravel()].astype(np.float32)
    near = rows.reshape(len(places), len(_AROUND), -1, 3)
    return 1.5 * (near[:, 2] - near[:, 1]) - 0.5 * (near[:, 3] - near[:, 0])


def _gain(
    seen: NDArray[np.float32], *, scale: float, starts: NDArray[np.int64]
) -> NDArray[Any]:
    """Returns for each unit but the first what a jump that begins there explains.

    Args:
        seen: float32 `[2, n]`: bends along the upper and the lower edge.
        scale: Of bends, which have heavy tails.
        starts: int64 `[units]`: the first sample of each unit.

    Returns:
        Float `[units - 1]`, nothing below 0.
    """
    still, moved_by = (seen / scale) ** 2, ((seen - _MOVES) / scale) ** 2
    gains = np.log1p(still) - np.log1p(moved_by)
    counts = np.diff(starts, append=seen.shape[1])
    units = np.add.reduceat(gains, starts, axis=2) / counts
    totals = units.sum(2)
    before = units.cumsum(2)[:, :, :-1]
    moved = totals[:, :1] - before[:, 0] + before[:, 1]
    # A frame's edge runs along one row from side to side, and needs no jump. Neither
    # do soft edges, which bend as much where a jump leaves both rows as they were.
    framed = np.maximum(totals.max(1), 0)[:, None]
    left = np.maximum(before[:, 0].max(0), 0)
    right = np.maximum((totals[:, 1:] - before[:, 1]).max(0), 0)
    explained = np.minimum(moved - framed, moved - 2 * (left + right))
    return np.maximum(explained.max(0), 0)
