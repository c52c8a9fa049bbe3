"""Reads networks that others trained: which network it is, and every tensor of it.

A layout finds out which network a file holds from the names and shapes of its tensors,
and gives each tensor our name. `TrainedNetwork.build` accepts exactly these tensors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.labels import VOC_CLASSES
from fcn_core.models.backbones.applications import NESTED_NAME, inner_names
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import Tensors, WeightsError, assign_all
from fcn_core.models.weights.files import archive_tensors
from fcn_core.models.weights.hdf5 import Layers, read_layers
from fcn_core.models.weights.tflite import read_deeplab
from fcn_core.whole_files import sha256_of_file

Arrays = dict[str, NDArray[np.float32]]

_KNOWN = {
    "e563ad91b3d47410e45f7238f07ab8f6abd1bd0c4b18a4b0af9c681a21a91cb2": (
        "NIMA on MobileNet by idealo/image-quality-assessment, trained on AVA: "
        "weights_mobilenet_aesthetic_0.07.hdf5",
        "What the raters of AVA would give: about 200 members of a photo contest's "
        "website rated each of its photos from 1 to 10. Its authors report for AVA, "
        "with the photo warped to a square, LCC 0.626, SRCC 0.609, EMD 0.071. On 900 "
        "other photos, each rated by more than 100 people, that input reaches SRCC "
        "0.39. Here the photo keeps its aspect, which agrees with them more (0.450 "
        "against 0.424 on half of those). It knows the taste of those people and the "
        "themes of their contests; differences below half a point say little.",
    ),
}
"""What files are, by sha256: whose work, and what a user must know."""

_VGG_WIDTH = 64
_MOBILENET_WIDTH = 32
_NIMA_SIDE = 224
_AVA_SIDE = 640
"""AVA's photos had about 640 to 800 pixels: larger ones are first made as large."""


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork:
    """A network and its weights.

    Attributes:
        layout: Where the names of its tensors come from.
        spec: Which network.
        tensors: `layer/weight` under our names.
        classes: Names of its classes; None for ratings.
        origin: Whose work the weights are, for a model's card.
        licence: Of the weights, as far as their publisher states it.
        padding_value: RGB around photos, 0..255: zero behind the preprocessing.
        max_side: Working size in pixels; None: photos as they are.
        nearest_pixels: As in `ModelCard`.
        notes: What a user must know, for a model's card.
    """

    layout: str
    spec: ModelSpec
    tensors: Tensors
    classes: tuple[str, ...] | None
    origin: str
    licence: str
    padding_value: tuple[int, int, int]
    max_side: int | None
    nearest_pixels: int | None = None
    notes: str = ""

    def build(self, source: str) -> keras.Model:
        """Builds the network with these weights.

        Args:
            source: What a message calls them.

        Raises:
            WeightsError: A tensor is left over, missing, or has another shape.
        """
        model = build(self.spec)
        assign_all(model, self.tensors, source=source)
        return model


def read_trained(path: Path) -> TrainedNetwork:
    """Reads a file of one of the layouts below.

    Raises:
        WeightsError: It is none of them, or lacks a tensor that its sizes follow from.
    """
    try:
        return _read_trained(path)
    except KeyError as error:
        raise WeightsError(
            f"weights {path.name}: {error.args[0]} is missing, expected a whole "
            "network; export or copy the file again"
        ) from None


def _read_trained(path: Path) -> TrainedNetwork:
    tried = "deeplab (.npz, .tflite); keras-fcn, nima (.h5, .hdf5)"
    if path.suffix == ".tflite":
        return deeplab(read_deeplab(path))
    if path.suffix == ".npz":
        tensors = archive_tensors(path)
        if "head_context/kernel" in tensors:
            return deeplab(tensors)
    else:
        try:
            layers = read_layers(path)
        except OSError as error:
            raise WeightsError(
                f"weights {path.name}: not readable as HDF5 ({error}), expected one of "
                f"the layouts {tried}, or a MatConvNet .mat; copy the file again"
            ) from None
        for has, read in _HDF5_LAYOUTS.items():
            if layers is not None and has in layers:
                return _with_facts(read(layers), path)
    raise WeightsError(
        f"weights {path.name}: no trained network is known that looks like it, "
        f"expected one of the layouts {tried}, or a MatConvNet .mat; give a backbone "
        "alone to fcn train --init"
    )


def _with_facts(trained: TrainedNetwork, path: Path) -> TrainedNetwork:
    """Returns a network with what is known of a file with this content."""
    known = _KNOWN.get(sha256_of_file(path))
    if known is None:
        return trained
    origin, notes = known
    return replace(trained, origin=origin, notes=notes)


def deeplab(tensors: Arrays) -> TrainedNetwork:
    """Reads DeepLab-v3 on MobileNetV2 with its light head: FCN-16s without skips."""
    classes = tensors["head_score/bias"].shape[0]
    return TrainedNetwork(
        layout="deeplab",
        spec=ModelSpec(
            name="fcn16s",
            backbone="mobilenet_v2",
            classes=classes,
            head_width=tensors["head_context/bias"].shape[0],
        ),
        tensors=tensors,
        classes=class_names(classes),
        origin=(
            "DeepLab-v3 MobileNetV2 of TensorFlow Model Garden, trained on COCO and on "
            "Pascal VOC train_aug"
        ),
        licence="Apache-2.0",
        padding_value=(127, 127, 127),
        max_side=512,
    )


_KERAS_FCN = {
    "conv6": "head_fc6",
    "conv7": "head_fc7",
    "score7": "head_score",
    "score7_upsample": "upsample_stride16",
    "score4": "skip_stride16",
    "skip4_upsample": "upsample_stride8",
    "score3": "skip_stride8",
    "fcn32": "upsample_final",
    "fcn16": "upsample_final",
    "fcn8": "upsample_final",
}


def keras_fcn(layers: Layers) -> TrainedNetwork:
    """Reads an FCN-32, FCN-16 or FCN-8 of kevinddchen/Keras-FCN."""
    stages = [name for name in ("fcn8", "fcn16", "fcn32") if name in layers]
    if len(stages) != 1:
        raise WeightsError(
            f"keras-fcn weights: got the upsampling layers {stages}, expected one of "
            "fcn8, fcn16, fcn32; export the file again"
        )
    stage = stages[0]
    classes = layers["score7"]["bias"].shape[0]
    return TrainedNetwork(
        layout="keras-fcn",
        spec=ModelSpec(
            name=f"{stage}s",
            backbone="vgg16",
            classes=classes,
            width=layers["block1_conv1"]["bias"].shape[0] / _VGG_WIDTH,
            head_width=layers["conv6"]["bias"].shape[0],
            upsampling="transposed",
            full_size=True,
        ),
        tensors={
            f"{_KERAS_FCN.get(layer, layer)}/{weight}": values
            for layer, weights in layers.items()
            for weight, values in weights.items()
        },
        classes=class_names(classes),
        origin="A network of kevinddchen/Keras-FCN: VGG16, trained on VOC and SBD",
        licence="unknown",
        padding_value=(124, 117, 104),
        max_side=512,
    )


def nima(layers: Layers) -> TrainedNetwork:
    """Reads NIMA on MobileNet v1 by idealo/image-quality-assessment, for any size.

    Average pooling and a Dense layer become a 1x1 convolution and average pooling: the
    same numbers at the size it was trained with, and a map at any other.
    """
    dense = [name for name in layers if name.startswith("dense")]
    if len(dense) != 1:
        raise WeightsError(
            f"nima weights: got the Dense layers {dense}, expected one with its "
            "ratings; export the file again"
        )
    kernel, bias = (layers[dense[0]][name] for name in ("kernel", "bias"))
    spec = ModelSpec(
        task="aesthetics",
        name="classifier",
        backbone="mobilenet",
        classes=bias.shape[0],
        width=layers["conv1"]["kernel"].shape[-1] / _MOBILENET_WIDTH,
    )
    tensors: Arrays = {"head_score/kernel": kernel[None, None], "head_score/bias": bias}
    network = build(spec).get_layer(NESTED_NAME)
    flat = {
        f"{layer}/{'kernel' if weight == 'depthwise_kernel' else weight}": values
        for layer, weights in layers.items()
        if layer != dense[0]
        for weight, values in weights.items()
    }
    for number, name in enumerate(inner_names(network)):
        if name in flat:
            weight = name.rpartition("/")[2]
            tensors[f"{NESTED_NAME}/{number:04d}_{weight}"] = flat.pop(name)
    return TrainedNetwork(
        layout="nima",
        spec=spec,
        tensors=tensors | flat,  # what is left has no place: `assign_all` reports it
        classes=None,
        origin=(
            "NIMA on MobileNet by idealo/image-quality-assessment, trained on AVA "
            "(aesthetic) or TID2013 (technical)"
        ),
        licence="Apache-2.0",
        padding_value=(127, 127, 127),
        max_side=_AVA_SIDE,
        nearest_pixels=_NIMA_SIDE**2,
    )


_HDF5_LAYOUTS: Mapping[str, Callable[[Layers], TrainedNetwork]] = {
    "score7": keras_fcn,
    "conv_dw_1": nima,
}
"""A layer that only this layout has -> its reader."""


def class_names(count: int, named: Any = None) -> tuple[str, ...]:
    """Returns names of classes: the file's, or else VOC's if there are 21, or numbers.

    Args:
        count: Number of classes.
        named: Names in the file, if any.
    """
    if named is not None and len(named) == count:
        return tuple(str(name) for name in named)
    if count == len(VOC_CLASSES):
        return tuple(VOC_CLASSES)
    return tuple(f"class {number}" for number in range(count))
