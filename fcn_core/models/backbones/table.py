"""Builders of the backbones in `rows`: features named by their stride."""

import functools
from collections.abc import Callable
from typing import Final

import keras

from fcn_core.models.backbones.applications import application_features
from fcn_core.models.backbones.mobilenet_v2 import mobilenet_v2
from fcn_core.models.backbones.resnet import resnet50, resnet101
from fcn_core.models.backbones.rows import Backbone
from fcn_core.models.backbones.vgg import vgg16, vgg19
from fcn_core.models.layers import Features

_BUILDERS: Final[dict[str, Callable[..., Features]]] = {
    "VGG16": vgg16,
    "VGG19": vgg19,
    "MobileNetV2": mobilenet_v2,
    "ResNet50": resnet50,
    "ResNet101": resnet101,
}


def builder(row: Backbone) -> Callable[..., Features]:
    """Returns the function from preprocessed images to features by stride.

    It takes the keywords `width` and `output_stride`, those of VGG also `pooling`.
    """
    if row.nested:
        return functools.partial(
            application_features, application(row), margin=row.margin
        )
    return _BUILDERS[row.application]


def application(row: Backbone) -> Callable[..., keras.Model]:
    """Returns the builder of `keras.applications` whose weight files a row loads."""
    return getattr(keras.applications, row.application)
