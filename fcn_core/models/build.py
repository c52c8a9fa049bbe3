"""Builds networks: `build_model` from names, `build` from a `ModelSpec`.

Every model takes RGB 0..255 float `[B, H, W, 3]`, preprocesses inside and returns
logits at `spec.logits_stride`. Layer names are a file format: ours start with `head_`,
`skip_`, `affinity_` or `rating_`, all others belong to the backbone and carry the names
of `keras.applications`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import keras

from fcn_core.labels import Task
from fcn_core.models.networks.classifier import baseline_network, classifier_network
from fcn_core.models.networks.deconvnet import deconvolution_network
from fcn_core.models.networks.fcn import segmentation_network
from fcn_core.models.networks.ratings import rating_network, sampled_network
from fcn_core.models.regularisation import add_l2
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.files import load_weights

NETWORKS: dict[str, Callable[[ModelSpec], keras.Model]] = {
    "fcn8s": segmentation_network,
    "fcn16s": segmentation_network,
    "fcn32s": segmentation_network,
    "dilated": segmentation_network,
    "deconvnet": deconvolution_network,
    "deconvnet_repeat": deconvolution_network,
    "rating": rating_network,
    "rating_sampled": sampled_network,
    "classifier": classifier_network,
    "baseline": baseline_network,
}


def build(spec: ModelSpec, weights: str | None = None) -> keras.Model:
    """Builds the network of a spec, with weights where a source is given.

    Args:
        spec: Which network.
        weights: `imagenet`, a path (see `weights.files.load_weights`), or None for
            random weights.

    Raises:
        WeightsError: The weights do not fit.
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


LayerGroup = Literal["backbone", "head", "skip", "affinity"]
"""A part of a network that may have a rate of its own."""


def layer_group(name: str) -> LayerGroup:
    """Returns which part of a network a layer belongs to, by its name."""
    if name.startswith("skip_"):
        return "skip"
    if name.startswith("affinity_"):
        return "affinity"
    return "head" if name.startswith(("head_", "rating_", "upsample_")) else "backbone"
