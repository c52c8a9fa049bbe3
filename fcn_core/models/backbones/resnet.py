"""ResNet50 and ResNet101, version 1 (He et al., 2015, table 1).

Every stride starts from explicit symmetric padding or a 1x1 convolution, so feature j
of stride s sits on pixel s * j for any image size. Layer names and weight shapes are
those of `keras.applications`, which strides in a block's first 1x1 convolution.
"""

from typing import Any

from keras import layers

from fcn_core.models.layers import Features


def resnet50(images: Any, *, width: float, output_stride: int) -> Features:
    """Runs 3 + 4 + 6 + 3 blocks; see `_stages`."""
    return _stages(images, (3, 4, 6, 3), width=width, output_stride=output_stride)


def resnet101(images: Any, *, width: float, output_stride: int) -> Features:
    """Runs 3 + 4 + 23 + 3 blocks; see `_stages`."""
    return _stages(images, (3, 4, 23, 3), width=width, output_stride=output_stride)


def _stages(
    images: Any, repeats: tuple[int, ...], *, width: float, output_stride: int
) -> Features:
    """Runs a 7x7 stem and four stages of bottleneck blocks.

    Args:
        images: Preprocessed, `[B, H, W, 3]`.
        repeats: Blocks of each stage.
        width: Channel multiplier.
        output_stride: 32, 16 or 8. Where a stage may not stride any more, its 3x3
            convolutions and all later ones are dilated instead: every second cell then
            has exactly the value that the strided network computes.

    Returns:
        Features by stride, each the last of its stage.
    """
    x = layers.ZeroPadding2D(3, name="conv1_pad")(images)
    x = layers.Conv2D(_scaled(64, width), 7, strides=2, name="conv1_conv")(x)
    x = _norm(x, "conv1_bn", relu="conv1_relu")
    features: Features = {2: x}
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    stride, dilation = 4, 1
    for stage, repeat in enumerate(repeats, start=2):
        step = 1
        if stage > 2 and stride < output_stride:
            step, stride = 2, 2 * stride
        elif stage > 2:
            dilation *= 2
        channels = _scaled(64 * 2 ** (stage - 2), width)
        for block in range(1, repeat + 1):
            x = _bottleneck(
                x,
                channels,
                stride=step if block == 1 else 1,
                dilation=dilation,
                project=block == 1,
                name=f"conv{stage}_block{block}",
            )
        features[stride] = x
    return features


def _bottleneck(
    x: Any, channels: int, *, stride: int, dilation: int, project: bool, name: str
) -> Any:
    """Adds 1x1, 3x3, 1x1 convolutions to the input or its projection (figure 5)."""
    shortcut = x
    if project:
        shortcut = layers.Conv2D(4 * channels, 1, strides=stride, name=f"{name}_0_conv")
        shortcut = _norm(shortcut(x), f"{name}_0_bn")
    x = layers.Conv2D(channels, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = _norm(x, f"{name}_1_bn", relu=f"{name}_1_relu")
    x = layers.Conv2D(
        channels, 3, padding="same", dilation_rate=dilation, name=f"{name}_2_conv"
    )(x)
    x = _norm(x, f"{name}_2_bn", relu=f"{name}_2_relu")
    x = layers.Conv2D(4 * channels, 1, name=f"{name}_3_conv")(x)
    x = _norm(x, f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _norm(x: Any, name: str, *, relu: str | None = None) -> Any:
    x = layers.BatchNormalization(epsilon=1.001e-5, name=name)(x)
    return layers.Activation("relu", name=relu)(x) if relu else x


def _scaled(channels: int, width: float) -> int:
    return max(1, round(channels * width))
