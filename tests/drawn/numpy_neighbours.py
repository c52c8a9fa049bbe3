"""A second opinion on layers that move pixels and cells, in NumPy, cell by cell."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def mix_neighbours(layer: Any, x: list[Array]) -> Array:
    """Returns scores moved towards their neighbours, a step a distance."""
    scores, branch = x
    _, height, width, _ = scores.shape
    around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    for step, distance in enumerate(layer.distances):
        before, scores = scores, scores.copy()
        for row, column in np.ndindex(height, width):
            cell = before[:, row, column]
            for number, (i, j) in enumerate(around, start=8 * step):
                at = row + i * distance, column + j * distance
                inside = 0 <= at[0] < height and 0 <= at[1] < width
                other = before[:, at[0], at[1]] if inside else 0.0
                weight = np.tanh(branch[:, row, column, number, None] / 8) / 4
                scores[:, row, column] += weight * (other - cell)
    return scores


def sampled_windows(layer: Any, x: Array) -> Array:
    """Returns the first 64 x 64 pixels of each block of 128 x 128, grey outside."""
    below, right = (-x.shape[1] % 128, -x.shape[2] % 128)
    x = np.pad(x, [(0, 0), (0, below), (0, right), (0, 0)], constant_values=127)
    rows = [
        np.concatenate(
            [x[:, i : i + 64, j : j + 64] for j in range(0, x.shape[2], 128)], 2
        )
        for i in range(0, x.shape[1], 128)
    ]
    return np.concatenate(rows, 1)


def cells_of(layer: Any, inputs: list[Array]) -> Array:
    """Returns the cells whose first pixel is one of the photo's."""
    cells, photos = inputs
    height, width = (len(range(0, side, layer.stride)) for side in photos.shape[1:3])
    return cells[:, :height, :width]
