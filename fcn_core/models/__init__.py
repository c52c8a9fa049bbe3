"""Networks by name: `build_model` for people, `build` for a `ModelSpec`.

Every model takes RGB 0..255 float `[B, H, W, 3]`, preprocesses inside and returns
logits at `spec.logits_stride`. Layer names are a file format: ours start with `head_`
or `skip_`, all others belong to the backbone and carry the names of
`keras.applications`.
"""

from collections.abc import Callable
from typing import Literal

import keras

from fcn_core.models.aesthetics import rating_network
from fcn_core.models.backbones import BACKBONES
from fcn_core.models.fcn import segmentation_network
from fcn_core.models.spec import ModelSpec, Task
from fcn_core.models.weights import (
    WeightsError,
    describe_weights,
    load_weights,
    transfer,
)

__all__ = [
    "BACKBONES",
    "NETWORKS",
    "ModelSpec",
    "WeightsError",
    "build",
    "build_model",
    "describe_weights",
    "layer_group",
    "load_weights",
    "transfer",
]

NETWORKS: dict[str, Callable[[ModelSpec], keras.Model]] = {
    "fcn8s": segmentation_network,
    "fcn16s": segmentation_network,
    "fcn32s": segmentation_network,
    "rating": rating_network,
}


def build(spec: ModelSpec, weights: str | None = None) -> keras.Model:
    """Builds the network of a spec, with weights where a source is given.

    Args:
        spec: Which network.
        weights: `imagenet`, a path (see `weights.load_weights`), or None for random.
    """
    model = NETWORKS[spec.name](spec)
    if weights is not None:
        load_weights(model, spec, weights)
    return model


def build_model(
    task: Task = "segmentation",
    name: str = "fcn8s",
    *,
    backbone: str = "vgg16",
    classes: int = 21,
    weights: str | None = None,
    output_stride: int = 0,
    width: float = 1.0,
    head_width: int = 0,
    dropout: float = -1.0,
) -> keras.Model:
    """Builds a network from names and numbers.

    Args:
        task: `segmentation` or `aesthetics`.
        name: A key of `NETWORKS`.
        backbone: A key of `BACKBONES`.
        classes: Channels of the logits.
        weights: `imagenet`, a path, or None for random weights.
        output_stride: See `ModelSpec`, as the next three.
        width: Channel multiplier of the backbone.
        head_width: Hidden channels of the head.
        dropout: Rate inside the head while training.

    Raises:
        ValueError: A name or number does not exist; the message names what does.
        WeightsError: The weights do not fit.
    """
    spec = ModelSpec(
        task=task,
        name=name,
        backbone=backbone,
        classes=classes,
        output_stride=output_stride,
        width=width,
        head_width=head_width,
        dropout=dropout,
    )
    return build(spec, weights)


def layer_group(name: str) -> Literal["backbone", "head", "skip"]:
    """Which part of a network a layer belongs to, by its name."""
    if name.startswith("skip_"):
        return "skip"
    return "head" if name.startswith("head_") else "backbone"
