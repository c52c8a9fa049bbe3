"""Feature extractors: one table row each, features named by their stride.

VGG, ResNet and MobileNetV2 are built here with the layer names of `keras.applications`,
because padding decides geometry: every stride rounds sides up, for any H, W >= 1, and
no feature leaves its place. Any other network of `keras.applications` is a row made by
`_application`: it gives its deepest features, which is all that classifiers need.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras

from fcn_core.models.applications import application_features
from fcn_core.models.layers import Features
from fcn_core.models.mobilenet_v2 import mobilenet_v2
from fcn_core.models.resnet import resnet50, resnet101
from fcn_core.models.vgg import vgg16, vgg19

Alignment = Literal["corner", "center"]


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A row of the table.

    Attributes:
        build: `(preprocessed images, width, output_stride)` -> features by stride.
        preprocessing: Mode of `layers.Preprocess` its published weights expect.
        alignment: Where a feature sits in its cell of pixels.
        output_strides: Strides the deepest features can have.
        usual_strides: Those of them that are taken when none is asked for.
        head: `convolutional` (fc6, fc7 of VGG), `pooled` (DeepLab's light head) or
            `linear` (scores at once).
        application: The `keras.applications` builder whose weight files it loads.
        minimum_side: Smallest side the published network accepts, in pixels; scoring
            pads smaller photos up to it.
        classifier_side: Side of the square photos the published classifier sees.
        nested: Whether the whole application is one layer of the network.
    """

    build: Callable[..., Features]
    preprocessing: Literal["tf", "caffe", "torch", "raw"]
    alignment: Alignment
    output_strides: tuple[int, ...]
    usual_strides: tuple[int, ...]
    head: Literal["convolutional", "pooled", "linear"]
    application: Callable[..., keras.Model]
    minimum_side: int = 1
    classifier_side: int = 224
    nested: bool = False


def _application(
    application: Callable[..., keras.Model],
    *,
    preprocessing: Literal["tf", "caffe", "torch", "raw"] = "tf",
    margin: tuple[int, int] = (0, 0),
    minimum_side: int = 1,
    classifier_side: int = 224,
) -> Backbone:
    """A row for a network as Keras publishes it.

    Args:
        application: A builder of `keras.applications`.
        preprocessing: What its weights expect.
        margin: Pixels added before and after each axis, for stems without padding.
        minimum_side: See `Backbone`, as the next.
        classifier_side: See `Backbone`.
    """
    return Backbone(
        build=functools.partial(application_features, application, margin=margin),
        preprocessing=preprocessing,
        alignment="corner" if margin[0] else "center",
        output_strides=(32,),
        usual_strides=(32,),
        head="linear",
        application=application,
        minimum_side=minimum_side,
        classifier_side=classifier_side,
        nested=True,
    )


def _vgg(build: Callable[..., Features], application: Any) -> Backbone:
    return Backbone(
        build=build,
        preprocessing="caffe",
        alignment="center",
        output_strides=(8, 16, 32),
        usual_strides=(32,),
        head="convolutional",
        application=application,
    )


def _resnet(build: Callable[..., Features], application: Any) -> Backbone:
    return Backbone(
        build=build,
        preprocessing="caffe",
        alignment="corner",
        output_strides=(8, 16, 32),
        usual_strides=(32,),
        head="linear",
        application=application,
    )


BACKBONES: dict[str, Backbone] = {
    "vgg16": _vgg(vgg16, keras.applications.VGG16),
    "vgg19": _vgg(vgg19, keras.applications.VGG19),
    "mobilenet_v2": Backbone(
        build=mobilenet_v2,
        preprocessing="tf",
        alignment="corner",
        output_strides=(16, 32),
        usual_strides=(16, 32),
        head="pooled",
        application=keras.applications.MobileNetV2,
    ),
    "resnet50": _resnet(resnet50, keras.applications.ResNet50),
    "resnet101": _resnet(resnet101, keras.applications.ResNet101),
    "mobilenet": _application(keras.applications.MobileNet),
    "xception": _application(
        keras.applications.Xception, minimum_side=71, classifier_side=299
    ),
    # Nothing in its stem is padded: with 37 pixels before and 27 behind, feature j
    # sits on pixel 32 j and a multiple of 32 has one for each 32.
    "inception_v3": _application(
        keras.applications.InceptionV3,
        margin=(37, 27),
        minimum_side=75,
        classifier_side=299,
    ),
    "inception_resnet_v2": _application(
        keras.applications.InceptionResNetV2,
        margin=(37, 27),
        minimum_side=75,
        classifier_side=299,
    ),
    "densenet121": _application(keras.applications.DenseNet121, preprocessing="torch"),
}
