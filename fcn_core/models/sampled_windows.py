"""Windows of a photo at its own resolution, side by side: a quarter of its pixels."""

from typing import Any, Final

import keras
from keras import ops

from fcn_core.models.spec import SAMPLED_BLOCK

WINDOW: Final = 64
"""Side of a window in pixels: large enough that its seams are few."""

BLOCK: Final = SAMPLED_BLOCK
"""Side of the block of pixels that a window stands for, at its top left."""

_GREY: Final = 127.0
"""What photos are padded with."""


@keras.saving.register_keras_serializable("fcn_core")
class SampledWindows(keras.layers.Layer):
    """`[B, H, W, C]` -> the windows of its blocks, `[B, H', W', C]`, H' about H / 2.

    Sides are rounded up to whole blocks with middle grey.
    """

    def call(self, images: Any) -> Any:
        """Returns windows in the order of their blocks: pixels as they are."""
        _, height, width, channels = ops.shape(images)
        below, right = (-height) % BLOCK, (-width) % BLOCK
        images = ops.pad(
            images,
            [[0, 0], [0, below], [0, right], [0, 0]],
            constant_values=_GREY,
        )
        rows, columns = (height + below) // BLOCK, (width + right) // BLOCK
        bands = (-1, rows, BLOCK, columns * BLOCK * channels)
        images = ops.reshape(images, bands)[:, :, :WINDOW]
        blocks = (-1, rows * WINDOW, columns, BLOCK, channels)
        images = ops.reshape(images, blocks)[:, :, :, :WINDOW]
        return ops.reshape(images, (-1, rows * WINDOW, columns * WINDOW, channels))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns the windows' sides, where known."""
        batch, height, width, channels = input_shape
        height, width = (
            side and -(-side // BLOCK) * WINDOW for side in (height, width)
        )
        return (batch, height, width, channels)


@keras.saving.register_keras_serializable("fcn_core")
class CellsOf(keras.layers.Layer):
    """Cuts cells of windows `[B, h, w, C]` to one for each so many pixels of photos.

    Args:
        stride: Those pixels, of a side.
    """

    def __init__(self, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Returns `[B, ceil(H / stride), ceil(W / stride), C]` of cells and photos."""
        cells, images = inputs
        _, height, width, _ = ops.shape(images)
        return cells[:, : -(-height // self.stride), : -(-width // self.stride)]

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Returns the cells' shape, with sides that follow from the photos'."""
        (batch, _, _, channels), (_, height, width, _) = input_shape
        height, width = (side and -(-side // self.stride) for side in (height, width))
        return (batch, height, width, channels)

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "stride": self.stride}
