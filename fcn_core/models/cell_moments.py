"""Brightness and contrast of cells of pixels, in two sums a cell."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("fcn_core")
class CellMoments(keras.layers.Layer):
    """Means of values and of their squares over each cell, `[B, H, W, C]` -> 2 C maps.

    The same as averages pooled with padding `same`, which leave out what lies beyond
    the border. Rows are summed first, columns then: libraries pool few channels slowly,
    four times as slowly for three.

    Args:
        side: Of a cell, in pixels.
    """

    def __init__(self, side: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side = side

    def call(self, values: Any) -> Any:
        """Returns `[B, ceil(H / side), ceil(W / side), 2 C]`: means, then squares'."""
        _, height, width, _ = ops.shape(values)
        in_rows, above, below = self._border(height)
        in_columns, left, right = self._border(width)
        values = ops.pad(values, [[0, 0], [above, below], [left, right], [0, 0]])
        sums = [self._sums(each) for each in (values, values * values)]
        counts = in_rows[:, None, None] * in_columns[None, :, None]
        return ops.concatenate(sums, axis=-1) / ops.cast(counts, values.dtype)

    def _sums(self, values: Any) -> Any:
        """Returns the sum of each cell, `[B, h, w, C]`."""
        batch, height, width, channels = ops.shape(values)
        rows, columns = height // self.side, width // self.side
        shape = (batch, rows, self.side, width * channels)
        sums = ops.sum(ops.reshape(values, shape), axis=2)
        cells = (batch, rows, columns, self.side, channels)
        return ops.sum(ops.reshape(sums, cells), axis=3)

    def _border(self, length: Any) -> tuple[Any, Any, Any]:
        """Returns how many pixels each cell has, and those to add before and after."""
        cells = -(-length // self.side)
        missing = cells * self.side - length
        before = missing // 2
        starts = ops.arange(cells) * self.side - before
        inside = ops.minimum(starts + self.side, length) - ops.maximum(starts, 0)
        return inside, before, missing - before

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns the cells' shape with twice the channels."""
        batch, height, width, channels = input_shape
        height, width = (side and -(-side // self.side) for side in (height, width))
        return (batch, height, width, 2 * channels)

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "side": self.side}
