"""VGG16 and VGG19 (Simonyan and Zisserman, 2014, configurations D and E).

Pooling puts a feature on the centre of the pixels it covers. Layer names are those of
`keras.applications`.
"""

from typing import Any, Literal

from keras import layers

from fcn_core.models.layers import Features

_CHANNELS = (64, 128, 256, 512, 512)


def vgg16(images: Any, **options: Any) -> Features:
    """Runs thirteen 3x3 convolutions in five blocks; for the options see `_blocks`."""
    return _blocks(images, (2, 2, 3, 3, 3), **options)


def vgg19(images: Any, **options: Any) -> Features:
    """Runs sixteen 3x3 convolutions in five blocks; for the options see `_blocks`."""
    return _blocks(images, (2, 2, 4, 4, 4), **options)


def _blocks(
    images: Any,
    repeats: tuple[int, ...],
    *,
    width: float,
    output_stride: int,
    pooling: Literal["same", "valid"] = "same",
) -> Features:
    """Runs blocks of convolutions, each ended by pooling.

    Args:
        images: Preprocessed, `[B, H, W, 3]`.
        repeats: Convolutions of each block.
        width: Channel multiplier.
        output_stride: 32, 16 or 8. Below 32 the last pools keep their resolution and
            the convolutions behind them are dilated instead. Such a pool looks at 3x3
            cells, as DeepLab's (Chen et al., 2015): a window of two would move every
            feature by half a cell.
        pooling: `same` rounds odd sides up, so that a side of 500 pixels has 16 cells
            of 32; `valid` drops the odd row, as the published network does.

    Returns:
        Features by stride, each behind its block's pooling.
    """
    features: Features = {}
    x, stride, dilation = images, 1, 1
    for block, repeat in enumerate(repeats, start=1):
        for index in range(1, repeat + 1):
            x = layers.Conv2D(
                max(1, round(_CHANNELS[block - 1] * width)),
                3,
                padding="same",
                dilation_rate=dilation,
                activation="relu",
                name=f"block{block}_conv{index}",
            )(x)
        name = f"block{block}_pool"
        if stride < output_stride:
            stride *= 2
            x = layers.MaxPooling2D(2, strides=2, padding=pooling, name=name)(x)
        else:
            dilation *= 2
            x = layers.MaxPooling2D(3, strides=1, padding="same", name=name)(x)
        features[stride] = x
    return features
