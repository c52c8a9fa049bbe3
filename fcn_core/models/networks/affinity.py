"""Scores that follow edges: each cell mixes with its neighbours, by learned weights.

What is known of edges is in finer features than scores are made of. A small branch
reads these and says, for each cell and each of its eight neighbours, how much of the
neighbour's scores it takes over, or how much it moves away from them. All classes share
these weights, so few photos teach them, and they serve other classes as well. They
start at zero: an untrained branch changes nothing. (After Cheng, Wang and Yang, 2018,
Depth estimation via affinity learned with convolutional spatial propagation network.)
"""

from collections.abc import Sequence
from typing import Any, Final

import keras
from keras import layers, ops

DISTANCES: Final = (2, 1)
"""Cells between a cell and its neighbours, a step each."""

_NEIGHBOURS: Final = tuple(
    (down, right)
    for down in (-1, 0, 1)
    for right in (-1, 0, 1)
    if (down, right) != (0, 0)
)

_STRONGEST: Final = 0.25
"""Of a neighbour's difference that is taken over, at most."""

_SOFTNESS: Final = 8.0
"""Divides what the branch computes, so that its weights do not saturate early."""


@keras.saving.register_keras_serializable("fcn_core")
class MixNeighbours(layers.Layer):
    """Moves each cell's scores towards those of its neighbours, or away from them.

    `z + sum of w * (z of a neighbour - z)`, a step a distance, with `w` from -0.25 to
    0.25; beyond the border neighbours have scores of 0.

    Args:
        distances: Cells to the neighbours of each step.
    """

    def __init__(self, distances: Sequence[int] = DISTANCES, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.distances = tuple(distances)

    def call(self, inputs: Sequence[Any]) -> Any:
        """Returns scores float `[B, h, w, C]`.

        Args:
            inputs: Scores `[B, h, w, C]`, and the branch's output `[B, h, w, 8 * n]`
                for n distances.
        """
        scores, branch = inputs
        weights = ops.tanh(branch / _SOFTNESS) * _STRONGEST
        count = len(_NEIGHBOURS)
        for step, distance in enumerate(self.distances):
            own = weights[..., step * count : (step + 1) * count]
            scores = _mix(scores, own, distance=distance)
        return scores

    def compute_output_shape(self, input_shape: Sequence[tuple]) -> tuple:
        """Returns the shape of the scores."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "distances": list(self.distances)}


def _mix(scores: Any, weights: Any, *, distance: int) -> Any:
    border = (distance, distance)
    around = ops.pad(scores, ((0, 0), border, border, (0, 0)))
    mixed = scores * (1.0 - ops.sum(weights, axis=-1, keepdims=True))
    for number, (down, right) in enumerate(_NEIGHBOURS):
        rows, columns = _moved(down, distance), _moved(right, distance)
        neighbour = around[:, rows, columns]
        mixed = mixed + weights[..., number : number + 1] * neighbour
    return mixed


def _moved(cells: int, distance: int) -> slice:
    """Returns what of a padded axis lies so many distances after each cell.

    Counted from both ends: engines need no arithmetic of sizes for that.
    """
    start = (1 + cells) * distance
    return slice(start, start - 2 * distance or None)


def follow_edges(scores: Any, features: Any, *, width: int) -> Any:
    """Returns scores that follow the edges in features of the same stride.

    Args:
        scores: `[B, h, w, C]`, before softmax.
        features: `[B, h, w, D]`.
        width: Hidden channels of the branch.
    """
    reduce = layers.Conv2D(width, 1, activation="relu", name="affinity_features")
    branch = layers.Conv2D(
        len(DISTANCES) * len(_NEIGHBOURS),
        3,
        padding="same",
        kernel_initializer="zeros",
        name="affinity_weights",
    )(reduce(features))
    return MixNeighbours(name="affinity_mix")([scores, branch])
