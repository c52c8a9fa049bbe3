"""Every architecture, tiny: by name, with random weights and a photo that fits."""

import functools
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.labels import Task
from fcn_core.models.build import build
from fcn_core.models.regularisation import every_layer
from fcn_core.models.spec import ModelSpec

NETWORKS: dict[str, tuple[Task, str, dict[str, Any]]] = {
    "fcn32s vgg16": ("segmentation", "fcn32s", {"backbone": "vgg16"}),
    "fcn16s vgg19": ("segmentation", "fcn16s", {"backbone": "vgg19"}),
    "fcn8s vgg16": ("segmentation", "fcn8s", {"backbone": "vgg16"}),
    "fcn8s vgg16 transposed": (
        "segmentation",
        "fcn8s",
        {"backbone": "vgg16", "upsampling": "transposed", "full_size": True},
    ),
    "fcn8s vgg16 scaled": (
        "segmentation",
        "fcn8s",
        {"backbone": "vgg16", "skip_scales": True, "full_size": True},
    ),
    "fcn8s mobilenet_v2 affinity": (
        "segmentation",
        "fcn8s",
        {"backbone": "mobilenet_v2", "width": 0.1, "affinity": 5},
    ),
    "dilated resnet50 affinity": (
        "segmentation",
        "dilated",
        {"backbone": "resnet50", "affinity": 4, "full_size": True},
    ),
    "fcn32s vgg16 caffe": (
        "segmentation",
        "fcn32s",
        {"backbone": "vgg16", "geometry": "caffe"},
    ),
    "fcn16s vgg16 caffe": (
        "segmentation",
        "fcn16s",
        {"backbone": "vgg16", "geometry": "caffe", "upsampling": "learnable"},
    ),
    "fcn8s vgg16 caffe": (
        "segmentation",
        "fcn8s",
        {"backbone": "vgg16", "geometry": "caffe", "skip_scales": True},
    ),
    "fcn8s mobilenet_v2": ("segmentation", "fcn8s", {"backbone": "mobilenet_v2"}),
    "fcn32s mobilenet_v2": ("segmentation", "fcn32s", {"backbone": "mobilenet_v2"}),
    "fcn8s resnet50": (
        "segmentation",
        "fcn8s",
        {"backbone": "resnet50", "upsampling": "learnable", "full_size": True},
    ),
    "dilated resnet50 8": (
        "segmentation",
        "dilated",
        {"backbone": "resnet50", "output_stride": 8},
    ),
    "dilated resnet101 16": ("segmentation", "dilated", {"backbone": "resnet101"}),
    "dilated vgg16 8": (
        "segmentation",
        "dilated",
        {"backbone": "vgg16", "output_stride": 8, "full_size": True},
    ),
    "dilated vgg19 16": ("segmentation", "dilated", {"backbone": "vgg19"}),
    "deconvnet vgg16": ("segmentation", "deconvnet", {"backbone": "vgg16"}),
    "deconvnet repeat": ("segmentation", "deconvnet_repeat", {"backbone": "vgg16"}),
    "two tasks mobilenet_v2": (
        "segmentation",
        "fcn8s",
        {"backbone": "mobilenet_v2", "rating_classes": 10},
    ),
    "two tasks resnet50": (
        "segmentation",
        "fcn16s",
        {"backbone": "resnet50", "rating_classes": 1},
    ),
    "rating mobilenet_v2": ("aesthetics", "rating", {"backbone": "mobilenet_v2"}),
    "rating_sampled mobilenet_v2": (
        "aesthetics",
        "rating_sampled",
        {"backbone": "mobilenet_v2"},
    ),
    "classifier vgg16": ("aesthetics", "classifier", {"backbone": "vgg16"}),
    "classifier vgg16 valid low": (
        "aesthetics",
        "classifier",
        {"backbone": "vgg16", "geometry": "valid", "low_level": True},
    ),
    "classifier vgg19 low": (
        "aesthetics",
        "classifier",
        {"backbone": "vgg19", "low_level": True},
    ),
    "classifier mobilenet_v2 low": (
        "aesthetics",
        "classifier",
        {"backbone": "mobilenet_v2", "low_level": True},
    ),
    "classifier resnet50 mark": (
        "aesthetics",
        "classifier",
        {"backbone": "resnet50", "classes": 1},
    ),
    "classifier mobilenet": (
        "aesthetics",
        "classifier",
        {"backbone": "mobilenet", "width": 0.25},
    ),
    "baseline vgg16": ("aesthetics", "baseline", {"backbone": "vgg16"}),
    "baseline mobilenet": (
        "aesthetics",
        "baseline",
        {"backbone": "mobilenet", "width": 0.25},
    ),
}


def tiny(name: str) -> ModelSpec:
    task, network, options = NETWORKS[name]
    numbers: dict[str, Any] = {"width": 0.05, "head_width": 6, "classes": 3}
    return ModelSpec(task=task, name=network, **(numbers | options))


def disturb(model: keras.Model) -> keras.Model:
    """Random weights that keep signals of one size through any depth."""
    rng = np.random.default_rng(0)
    for layer in every_layer(model):
        for variable in layer.weights:
            if "kernel" in variable.name:
                inputs = np.prod(variable.shape[:-1])
                if "depthwise" in variable.name or "Depthwise" in type(layer).__name__:
                    inputs = np.prod(variable.shape[:2])
                values = rng.normal(size=variable.shape) * np.sqrt(1.5 / inputs)
                variable.assign(values)
            elif "variance" in variable.name or variable.name == "gamma":
                variable.assign(rng.uniform(0.7, 1.3, variable.shape))
            elif variable.dtype == "float32":
                variable.assign(rng.uniform(-0.2, 0.2, variable.shape))
    return model


def balance(model: keras.Model, photo: NDArray[Any]) -> keras.Model:
    """Lets the scores of every class have the same mean on a photo `[H, W, 3]`.

    Random scores differ more between classes than between cells: without it one class
    may win everywhere, whatever computes them, and an empty mask proves nothing.
    """
    scores = np.asarray(model(photo[None].astype(np.float32)))
    bias = model.get_layer("head_score").bias
    bias.assign(np.asarray(bias) - scores.mean((0, 1, 2)))
    return model


def steady(model: keras.Model) -> keras.Model:
    """Random weights of a VGG that keep signals at one size, as trained ones do.

    Keras's own halve them at every layer, and photos arrive in -128..128.
    """
    rng = np.random.default_rng(0)
    for layer in every_layer(model):
        for variable in layer.weights:
            if variable.name == "kernel":
                spread = np.sqrt(2 / np.prod(variable.shape[:-1]))
                if layer.name == "block1_conv1":
                    spread /= 64
                variable.assign(rng.normal(size=variable.shape) * spread)
    return model


def photo_for(spec: ModelSpec) -> NDArray[np.float32]:
    height, width = (37, 70) if spec.minimum_side == 1 else (spec.minimum_side,) * 2
    if spec.name.startswith("deconvnet") or spec.geometry == "valid":
        width += 17
    return np.random.default_rng(1).uniform(0, 255, (1, height, width, 3)).astype("f4")


def flat(output: Any) -> list[NDArray[Any]]:
    return [np.asarray(value) for value in keras.tree.flatten(output)]


@functools.cache
def drawn(name: str) -> keras.Model:
    return disturb(build(tiny(name)))


def small_spec(name: str = "fcn8s", backbone: str = "mobilenet_v2") -> ModelSpec:
    return ModelSpec(name=name, backbone=backbone, width=0.1, head_width=8, classes=3)


def draw_floats(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 255, (1, height, width, 3)).astype(np.float32)


def scramble(model: keras.Model) -> keras.Model:
    """Random values everywhere, so that no accidental zero hides a path."""
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.dtype == "float32":
            low, high = (0.5, 1.5) if "variance" in variable.name else (-0.3, 0.3)
            variable.assign(rng.uniform(low, high, variable.shape))
    return model
