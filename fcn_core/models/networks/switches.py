"""Max pooling that remembers where each maximum was, and its inverse.

Zeiler and Fergus, 2013; used by DeconvNet (Noh et al., 2015, figure 3). Windows are 2x2
with stride 2, written with reshapes only, so every Keras backend runs them.
"""

from typing import Any

import keras
from keras import ops

_LOWEST = -3.0e38
"""Below every feature: a padded pixel is never the maximum of its window."""


@keras.saving.register_keras_serializable("fcn_core")
class PoolWithSwitches(keras.layers.Layer):
    """2x2 max pooling, sides rounded up; of equal pixels the first is the maximum."""

    def call(self, x: Any) -> tuple[Any, Any]:
        """Pools float `[B, H, W, C]`.

        Returns:
            The maxima `[B, ceil(H/2), ceil(W/2), C]`, and switches `[B, H, W, C]`: 1
            where a pixel was its window's maximum, else 0.
        """
        batch, height, width, channels = ops.shape(x)
        h, w = (height + 1) // 2, (width + 1) // 2
        padding = [[0, 0], [0, 2 * h - height], [0, 2 * w - width], [0, 0]]
        padded = ops.pad(x, padding, constant_values=_LOWEST)
        windows = ops.reshape(padded, (batch, h, 2, w, 2, channels))
        windows = ops.transpose(windows, (0, 1, 3, 5, 2, 4))
        windows = ops.reshape(windows, (batch, h, w, channels, 4))
        pooled = ops.max(windows, axis=-1)
        # No argmax: exported, Keras' own needs an operation that OpenVINO lacks.
        hits = ops.cast(windows == pooled[..., None], x.dtype)
        earlier = ops.cumsum(hits, axis=-1) - hits
        chosen = hits * ops.cast(earlier == 0, x.dtype)
        chosen = ops.reshape(chosen, (batch, h, w, channels, 2, 2))
        chosen = ops.transpose(chosen, (0, 1, 4, 2, 5, 3))
        switches = ops.reshape(chosen, (batch, 2 * h, 2 * w, channels))
        return pooled, switches[:, :height, :width]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns halved sides, and the sides themselves."""
        batch, height, width, channels = input_shape
        halves = [side and (side + 1) // 2 for side in (height, width)]
        return (batch, *halves, channels), input_shape


@keras.saving.register_keras_serializable("fcn_core")
class Unpool(keras.layers.Layer):
    """Puts each cell back where the switches say, zeros elsewhere."""

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Returns `[B, H, W, C]` of `[B, h, w, C]` and switches `[B, H, W, C]`."""
        x, switches = inputs
        return _doubled_like(x, switches) * switches

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Returns the switches' shape."""
        return tuple(input_shape[1])


@keras.saving.register_keras_serializable("fcn_core")
class RepeatLike(keras.layers.Layer):
    """Repeats each cell in its 2x2 window: the way back without switches."""

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Returns `[B, H, W, C]` of `[B, h, w, C]` and any `[B, H, W, _]`."""
        return _doubled_like(*inputs)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Returns the sides of the second, channels of the first."""
        return (*input_shape[1][:3], input_shape[0][3])


def _doubled_like(x: Any, reference: Any) -> Any:
    _, height, width, _ = ops.shape(reference)
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)[:, :height, :width]
