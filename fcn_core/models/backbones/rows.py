"""The table of backbones as names and numbers, without Keras; `table` builds them.

VGG, ResNet and MobileNetV2 are built here with the layer names of `keras.applications`,
because padding decides geometry: every stride rounds sides up, for any H, W >= 1, and
no feature leaves its place. Any other network of `keras.applications` is a row made by
`_application`: it gives its deepest features, which is all that classifiers need.
"""

from dataclasses import dataclass
from typing import Final, Literal

from fcn_core.geometry import Alignment

Mode = Literal["tf", "caffe", "torch", "raw"]


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A row of the table.

    Attributes:
        application: The network's name in `keras.applications`, whose weight files it
            loads.
        preprocessing: Mode of `layers.Preprocess` that its published weights expect.
        alignment: Where a feature sits in its cell of pixels.
        output_strides: Strides the deepest features can have.
        usual_strides: Those to choose from when none is asked for.
        head: `convolutional` (fc6, fc7 of VGG), `pooled` (DeepLab's light head) or
            `linear` (scores alone).
        minimum_side: Smallest side the published network accepts, in pixels; scoring
            pads smaller photos up to it.
        classifier_side: Side of the square photos that the published classifier sees.
        nested: Whether the whole application is one layer of the network.
        margin: Zero pixels before and after each axis, for stems without padding.
    """

    application: str
    preprocessing: Mode
    alignment: Alignment
    output_strides: tuple[int, ...] = (8, 16, 32)
    usual_strides: tuple[int, ...] = (32,)
    head: Literal["convolutional", "pooled", "linear"] = "linear"
    minimum_side: int = 1
    classifier_side: int = 224
    nested: bool = False
    margin: tuple[int, int] = (0, 0)


def _application(
    name: str,
    *,
    preprocessing: Mode = "tf",
    margin: tuple[int, int] = (0, 0),
    minimum_side: int = 1,
    classifier_side: int = 224,
) -> Backbone:
    """Returns the row of a network as Keras publishes it."""
    return Backbone(
        application=name,
        preprocessing=preprocessing,
        alignment="corner" if margin[0] else "center",
        output_strides=(32,),
        minimum_side=minimum_side,
        classifier_side=classifier_side,
        nested=True,
        margin=margin,
    )


def _vgg(name: str) -> Backbone:
    return Backbone(
        application=name,
        preprocessing="caffe",
        alignment="center",
        head="convolutional",
    )


def _resnet(name: str) -> Backbone:
    return Backbone(application=name, preprocessing="caffe", alignment="corner")


BACKBONES: Final[dict[str, Backbone]] = {
    "vgg16": _vgg("VGG16"),
    "vgg19": _vgg("VGG19"),
    "mobilenet_v2": Backbone(
        application="MobileNetV2",
        preprocessing="tf",
        alignment="corner",
        output_strides=(16, 32),
        usual_strides=(16, 32),
        head="pooled",
    ),
    "resnet50": _resnet("ResNet50"),
    "resnet101": _resnet("ResNet101"),
    "mobilenet": _application("MobileNet"),
    "xception": _application("Xception", minimum_side=71, classifier_side=299),
    # Nothing in its stem is padded: with 37 pixels before and 27 behind, feature j
    # sits on pixel 32 j and a multiple of 32 has one for each 32.
    "inception_v3": _application(
        "InceptionV3", margin=(37, 27), minimum_side=75, classifier_side=299
    ),
    "inception_resnet_v2": _application(
        "InceptionResNetV2", margin=(37, 27), minimum_side=75, classifier_side=299
    ),
    "densenet121": _application("DenseNet121", preprocessing="torch"),
}
