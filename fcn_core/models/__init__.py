"""Networks by name: `build_model` for people, `build` for a `ModelSpec`.

Every model takes RGB 0..255 float `[B, H, W, 3]`, preprocesses inside and returns
logits at `spec.logits_stride`. Layer names are a file format: ours start with `head_`,
`skip_` or `rating_`, all others belong to the backbone and carry the names of
`keras.applications`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import keras

from fcn_core.models.aesthetics import rating_network
from fcn_core.models.backbones import BACKBONES
from fcn_core.models.classifier import baseline_network, classifier_network
from fcn_core.models.deconvnet import deconvolution_network
from fcn_core.models.fcn import segmentation_network
from fcn_core.models.regularisation import add_l2, freeze_batch_norm
from fcn_core.models.spec import ModelSpec, Task
from fcn_core.models.weight_files import load_weights
from fcn_core.models.weights import SCORES, WeightsError, describe_weights, transfer

__all__ = [
    "BACKBONES",
    "NETWORKS",
    "SCORES",
    "ModelSpec",
    "WeightsError",
    "build",
    "build_model",
    "describe_weights",
    "freeze_batch_norm",
    "layer_group",
    "load_weights",
    "transfer",
]

NETWORKS: dict[str, Callable[[ModelSpec], keras.Model]] = {
    "fcn8s": segmentation_network,
    "fcn16s": segmentation_network,
    "fcn32s": segmentation_network,
    "dilated": segmentation_network,
    "deconvnet": deconvolution_network,
    "deconvnet_repeat": deconvolution_network,
    "rating": rating_network,
    "classifier": classifier_network,
    "baseline": baseline_network,
}


def build(spec: ModelSpec, weights: str | None = None) -> keras.Model:
    """Builds the network of a spec, with weights where a source is given.

    Args:
        spec: Which network.
        weights: `imagenet`, a path (see `weights.load_weights`), or None for random.
    """
    model = NETWORKS[spec.name](spec)
    if spec.l2:
        add_l2(model, spec.l2)
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
    **options: Any,
) -> keras.Model:
    """Builds a network from names and numbers.

    Args:
        task: `segmentation` or `aesthetics`.
        name: A key of `NETWORKS`.
        backbone: A key of `BACKBONES`.
        classes: Channels of the logits.
        weights: `imagenet`, a path, or None for random weights.
        **options: Further fields of `ModelSpec`, such as `output_stride`.

    Raises:
        ValueError: A name or number does not exist; the message names what does.
        WeightsError: The weights do not fit.
    """
    known = [field.name for field in dataclasses.fields(ModelSpec)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"build_model: got unknown {', '.join(unknown)}, expected only "
            f"{', '.join(known)}"
        )
    spec = ModelSpec(
        task=task, name=name, backbone=backbone, classes=classes, **options
    )
    return build(spec, weights)


def layer_group(name: str) -> Literal["backbone", "head", "skip"]:
    """Which part of a network a layer belongs to, by its name."""
    if name.startswith("skip_"):
        return "skip"
    return "head" if name.startswith(("head_", "rating_", "upsample_")) else "backbone"
