"""MobileNetV2 without its last 1x1 convolution (Sandler et al., 2018, table 2).

`keras.applications` pads its stride-2 convolutions (0, 1), which puts feature j of
stride 16 on pixel 16 j + 15. Here they are padded (1, 1): feature j of stride s sits on
pixel s * j, for any image size. Layer names and weight shapes are Keras' own.
"""

from typing import Any

from keras import layers

from fcn_core.models.layers import Features


def mobilenet_v2(images: Any, *, width: float, output_stride: int) -> Features:
    """Runs seventeen inverted bottlenecks; returns features by stride.

    At output stride 16 block 13 keeps its resolution and blocks 14-16 are dilated by 2
    instead (as in DeepLab), which leaves every kernel usable as it is.
    """
    x = _convolution(images, _channels(32, width), stride=2, name="Conv1")
    x = _batch_norm(x, "bn_Conv1", relu="Conv1_relu")
    x = _depthwise(x, stride=1, dilation=1, prefix="expanded_conv_")
    x = _project(x, _channels(16, width), prefix="expanded_conv_")
    features: Features = {}
    stride, block = 2, 0
    for channels, repeats, first_stride in (
        (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1),
    ):  # fmt: skip
        for repeat in range(repeats):
            block += 1
            step = first_stride if repeat == 0 else 1
            dilation = 2 if stride == output_stride == 16 and block > 13 else 1
            if step == 2 and stride == output_stride:
                step = 1
            prefix = f"block_{block}_"
            expanded = _expand(x, prefix=prefix)
            if step == 2:
                features[stride] = expanded
                stride *= 2
            y = _depthwise(expanded, stride=step, dilation=dilation, prefix=prefix)
            y = _project(y, _channels(channels, width), prefix=prefix)
            same = step == 1 and x.shape[-1] == y.shape[-1]
            x = layers.Add(name=f"{prefix}add")([x, y]) if same else y
    features[stride] = x
    return features


def _channels(channels: int, width: float) -> int:
    """Scales and rounds to a multiple of 8, never 10% down (MobileNet's rule)."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def _convolution(x: Any, channels: int, *, stride: int, name: str) -> Any:
    x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    return layers.Conv2D(channels, 3, strides=stride, use_bias=False, name=name)(x)


def _batch_norm(x: Any, name: str, *, relu: str | None = None) -> Any:
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=name)(x)
    return layers.ReLU(6.0, name=relu)(x) if relu else x


def _expand(x: Any, *, prefix: str) -> Any:
    """Runs a 1x1 convolution to six times the channels."""
    x = layers.Conv2D(6 * x.shape[-1], 1, use_bias=False, name=f"{prefix}expand")(x)
    return _batch_norm(x, f"{prefix}expand_BN", relu=f"{prefix}expand_relu")


def _depthwise(x: Any, *, stride: int, dilation: int, prefix: str) -> Any:
    """Runs a 3x3 depthwise convolution; feature j stays on pixel stride * j."""
    if stride == 2:
        x = layers.ZeroPadding2D(1, name=f"{prefix}pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        dilation_rate=dilation,
        padding="valid" if stride == 2 else "same",
        use_bias=False,
        name=f"{prefix}depthwise",
    )(x)
    return _batch_norm(x, f"{prefix}depthwise_BN", relu=f"{prefix}depthwise_relu")


def _project(x: Any, channels: int, *, prefix: str) -> Any:
    """Runs a 1x1 convolution to the block's output, linear."""
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{prefix}project")(x)
    return _batch_norm(x, f"{prefix}project_BN")
