"""Reads FCN-32s, FCN-16s and FCN-8s from MatConvNet's `.mat` files (DagNN).

Kernels are height x width x in x out there as here, and are not flipped. Biases of
transposed convolutions that a file lacks are zero. Networks imported from the FCN
paper's release pad the photo by 100 pixels, which is in the file.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_core.models.imported.layouts import Arrays, TrainedNetwork, class_names
from fcn_core.models.spec import Geometry, ModelSpec
from fcn_core.models.weights.assign import WeightsError

_LAYERS = {
    **{f"conv{b}_{i}": f"block{b}_conv{i}" for b in range(1, 6) for i in range(1, 5)},
    "fc6": "head_fc6",
    "fc7": "head_fc7",
    "score_fr": "head_score",
    "score2": "upsample_stride16",
    "score_pool4": "skip_stride16",
    "score4": "upsample_stride8",
    "score_pool3": "skip_stride8",
    "upsample": "upsample_final",
    "upsample_new": "upsample_final",
}
"""MatConvNet's layers -> ours."""

_ENDINGS = {"_filter": "kernel", "_bias": "bias", "f": "kernel", "b": "bias"}
"""Both ways in which MatConvNet names a layer's tensors."""

_STAGES = {2: "fcn8s", 1: "fcn16s", 0: "fcn32s"}
"""The network by its number of skips."""


def from_parameters(
    parameters: Mapping[str, NDArray[np.float32]], about: Mapping[str, Any]
) -> TrainedNetwork:
    """Finds out which network some tensors are, and gives them our names.

    Args:
        parameters: What `mat.read_mat` returned first.
        about: What it returned second.

    Raises:
        WeightsError: A name is unknown, or the tensors are no FCN on VGG16.
    """
    tensors = {_our_name(name): values for name, values in parameters.items()}
    missing = {"block1_conv1/bias", "head_fc6/bias", "head_score/bias"} - set(tensors)
    if missing:
        raise WeightsError(
            f"MatConvNet weights: {', '.join(sorted(missing))} missing among "
            f"{len(tensors)} tensors, expected an FCN on VGG16; save the whole network"
        )
    classes = tensors["head_score/bias"].size
    geometry: Geometry = "same" if (about["padding"] or 100) < 100 else "caffe"
    skips = sum(name.startswith("skip_") for name in tensors) // 2
    spec = ModelSpec(
        name=_STAGES.get(skips, "fcn8s"),
        backbone="vgg16",
        classes=classes,
        width=tensors["block1_conv1/bias"].size / 64,
        head_width=tensors["head_fc6/bias"].size,
        geometry=geometry,
        upsampling="learnable",
        full_size=True,
        preprocessing="rgb",
        rgb_mean=tuple(about["mean"] or ()),
    )
    mean = about["mean"] or (124, 117, 104)
    red, green, blue = (min(255, max(0, round(value))) for value in mean)
    return TrainedNetwork(
        layout="matconvnet",
        spec=spec,
        tensors=_shaped(tensors, classes=classes),
        classes=class_names(classes, about["classes"]),
        origin="An FCN on VGG16 in MatConvNet's format",
        licence="unknown",
        padding_value=(red, green, blue),
        max_side=512,
    )


def _our_name(name: str) -> str:
    for ending, weight in _ENDINGS.items():
        layer = _LAYERS.get(name.removesuffix(ending))
        if name.endswith(ending) and layer is not None:
            return f"{layer}/{weight}"
    raise WeightsError(
        f"MatConvNet weights: got a tensor {name!r}, expected a layer of FCN on VGG16 "
        f"such as conv1_1 or score_fr, followed by one of {', '.join(_ENDINGS)}; leave "
        "out what is not the FCN's"
    )


def _shaped(tensors: Mapping[str, NDArray[np.float32]], *, classes: int) -> Arrays:
    """Restores the sides of length 1 that Matlab drops, and absent zero biases."""
    shaped: Arrays = {}
    for name, values in tensors.items():
        layer, _, weight = name.partition("/")
        if weight == "bias":
            shaped[name] = values.reshape(-1)
        elif f"{layer}/bias" in tensors and (
            layer in ("head_fc7", "head_score") or layer.startswith("skip_")
        ):
            outputs = tensors[f"{layer}/bias"].size
            fits = values.size % outputs == 0  # else the message shows its own shape
            shaped[name] = values.reshape(1, 1, -1, outputs) if fits else values
        else:
            shaped[name] = values
        if layer.startswith("upsample_") and f"{layer}/bias" not in tensors:
            shaped[f"{layer}/bias"] = np.zeros(classes, np.float32)
    return shaped
