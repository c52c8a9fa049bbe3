"""Segmentation recipes of other projects, restated for averaged losses.

Sums over pixels become means: a rate for a summed loss is multiplied by the pixels of a
photo (500 x 375). `docs/training.md` lists what we do differently.
"""

from dataclasses import replace
from typing import Any, Final

from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import Recipe, Stage

_SLOW: Final = "Large and slow without a GPU."

_PIXELS: Final = 500 * 375
"""Pixels of a VOC photo."""

_NEAREST_TO_RELEASE: Final[dict[str, Any]] = {
    "init": "imagenet",
    "optimizer": "sgd",
    "momentum": 0.99,
    "bias_rate": 2.0,
    "schedule": "constant",
    "batch_size": 1,
    "crop": (512, 512),
    "scale": (1.0, 1.0),
    "flip": False,
    "padding_value": (123, 117, 104),  # what is 0 after the mean is subtracted
    "padding_that_scores": True,
    "max_side": None,
}

_RELEASE_L2: Final = 5e-4 / 2 / _PIXELS
"""Caffe adds its decay to the gradient of a sum; the penalty in the loss is half of it,
divided by the pixels for a mean. It hardly decays anything, in the release as here."""

_FCN_ORIGINAL = Recipe(
    about="Long, Shelhamer, Darrell 2015: FCN-32s, then 16s, then 8s in one run",
    model=ModelSpec(backbone="vgg16", geometry="caffe", l2=_RELEASE_L2),
    notes=f"The FCN paper's network. {_SLOW}",
    epochs=12,  # 100,000 steps over SBD's 8,498 training photos
    learning_rate=1e-10 * _PIXELS,
    stages=(
        Stage(model="fcn32s", epochs=12, learning_rate=1e-10 * _PIXELS),
        Stage(model="fcn16s", epochs=12, learning_rate=1e-12 * _PIXELS),
        Stage(model="fcn8s", epochs=12, learning_rate=1e-14 * _PIXELS),
    ),
    **_NEAREST_TO_RELEASE,
)

_KERAS_FCN = Recipe(
    about="Keras-FCN: Adam, no augmentation, photos fitted into 512x512",
    model=ModelSpec(backbone="vgg16", dropout=0.2, l2=1e-6),
    notes=f"FCN-8s on VGG16 as Keras-FCN trains it. {_SLOW}",
    epochs=25,
    batch_size=16,
    learning_rate=1e-4,
    optimizer="adam",
    schedule="constant",
    crop=(512, 512),
    fit="letterbox",
    scale=(1.0, 1.0),
    flip=False,
    padding_value=(0, 0, 0),
    init="imagenet",
)

_TF_IMAGE_SEGMENTATION = Recipe(
    about="tf-image-segmentation: 32s, 16s, 8s one after another, tiny rates",
    model=ModelSpec(
        backbone="vgg16", preprocessing="rgb", rgb_mean=(123.68, 116.779, 103.939)
    ),
    notes=f"FCN-8s on VGG16 as tf-image-segmentation trains it. {_SLOW}",
    epochs=10,
    batch_size=1,
    learning_rate=1e-6,
    stages=(
        Stage(model="fcn32s", epochs=10, learning_rate=1e-6),
        Stage(model="fcn16s", epochs=10, learning_rate=1e-8),
        Stage(model="fcn8s", epochs=10, learning_rate=1e-9),
    ),
    optimizer="adam",
    schedule="constant",
    crop=(384, 384),
    fit="letterbox",
    scale=(0.9, 1.1),
    padding_value=(0, 0, 0),
    max_side=384,
    init="imagenet",
)

PUBLISHED: Final[dict[str, Recipe]] = {
    "fcn-original": _FCN_ORIGINAL,
    "fcn-original-at-once": replace(
        _FCN_ORIGINAL,
        about="Long, Shelhamer, Darrell 2015: FCN-8s at once, its skips scaled down",
        model=replace(_FCN_ORIGINAL.model, skip_scales=True),
        epochs=36,
        stages=(),
    ),
    "keras-fcn": _KERAS_FCN,
    "keras-fcn-mobilenet_v2": replace(
        _KERAS_FCN,
        about="Keras-FCN's recipe on the backbone of voc21-imagenet, for comparison",
        model=ModelSpec(
            backbone="mobilenet_v2", output_stride=32, dropout=0.2, l2=1e-6
        ),
        notes="A baseline for comparing recipes on one network.",
    ),
    "tf-image-segmentation": _TF_IMAGE_SEGMENTATION,
    "tf-image-segmentation-resnet101-8s": replace(
        _TF_IMAGE_SEGMENTATION,
        about="tf-image-segmentation's dilated ResNet101 at stride 8",
        model=ModelSpec(name="dilated", backbone="resnet101", output_stride=8),
        epochs=20,
        learning_rate=1e-4,
        stages=(),
        notes=f"A dilated network without pyramid pooling. {_SLOW}",
    ),
    "tf-image-segmentation-resnet101-16s": replace(
        _TF_IMAGE_SEGMENTATION,
        about="tf-image-segmentation's dilated ResNet101 at stride 16",
        model=ModelSpec(name="dilated", backbone="resnet101", output_stride=16),
        epochs=20,
        learning_rate=1e-5,
        stages=(),
        notes=f"A dilated network without pyramid pooling. {_SLOW}",
    ),
    "fcn8s-vgg16": Recipe(
        about="The classic FCN-8s on VGG16, at once from ImageNet weights",
        model=ModelSpec(name="fcn8s", backbone="vgg16"),
        notes=f"The classic FCN-8s. {_SLOW}",
        epochs=25,
        batch_size=4,
        learning_rate=1e-4,
        crop=(384, 384),
        init="imagenet",
    ),
}
