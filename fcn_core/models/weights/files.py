"""Reads weight files: a source's name -> tensors under our layers' names.

What is read here goes into a network that exists already. Files of whole trained
networks are read by `imported/layouts.py`.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core import libraries
from fcn_core.models.backbones.applications import NESTED_NAME
from fcn_core.models.backbones.table import application
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import (
    WeightReport,
    WeightsError,
    assign,
    named_weights,
    tensors_of,
)
from fcn_core.models.weights.hdf5 import Layers, read_layers
from fcn_core.models.weights.tflite import read_deeplab

DEEPLAB_HEAD = {
    "aspp0": "head_local",
    "image_pooling": "head_context",
    "proj_aspp": "head_project_local",
    "proj_pool": "head_project_context",
    "semantic": "head_score",
}
"""DeepLab-v3's names of the light head -> ours."""

VGG_TOP = {"fc1": "head_fc6", "fc2": "head_fc7", "predictions": "head_score"}
"""Keras' names of VGG's Dense layers -> our convolutions."""

VGG_TOP_WIDTH = 4096
"""Units of VGG's hidden Dense layers."""


def load_weights(model: keras.Model, spec: ModelSpec, source: str) -> WeightReport:
    """Loads every layer that the source has into a model.

    Args:
        model: Changed in place.
        spec: What the model is.
        source: `imagenet` (downloaded by Keras), an `.npz` of `layer/weight` arrays, or
            an `.h5` of the backbone as `keras.applications` writes it, or DeepLab-v3 on
            MobileNetV2 as a `.tflite`. VGG's Dense
            layers become the head's convolutions where the file has them and their
            shapes fit.

    Raises:
        WeightsError: The file is missing, of another kind, or a shape differs.
    """
    path = Path(source)
    if source != "imagenet" and not path.is_file():
        raise WeightsError(
            f"weights: got {source!r}, expected imagenet or an existing .npz, .h5 "
            "or .tflite file; check the path"
        )
    if source != "imagenet" and path.suffix == ".npz":
        tensors = archive_tensors(path)
    elif path.suffix == ".tflite":
        tensors = read_deeplab(path)
    elif source == "imagenet" or path.suffix in (".h5", ".hdf5"):
        tensors = application_tensors(spec, source)
    else:
        raise WeightsError(
            f"weights: got {source!r}, expected a file ending in .npz, .h5 or "
            ".tflite; convert it"
        )
    return assign(model, _fitting_top(model, tensors), source=source)


def archive_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """Reads an `.npz` of `layer/weight` arrays, DeepLab's names turned into ours.

    Raises:
        WeightsError: It is no such archive.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, TypeError, ValueError, EOFError, BadZipFile) as error:
        raise WeightsError(
            f"weights {path.name}: not readable as .npz ({' '.join(str(error).split())}"
            "), expected an archive of `layer/weight` arrays; copy the file again"
        ) from None
    tensors = {}
    for name, values in arrays.items():
        layer, _, weight = name.rpartition("/")
        tensors[f"{DEEPLAB_HEAD.get(layer, layer)}/{weight}"] = values
    return tensors


def application_tensors(spec: ModelSpec, source: str) -> dict[str, NDArray[np.float32]]:
    """Reads a `keras.applications` file through the network it belongs to.

    Args:
        spec: Names the backbone.
        source: `imagenet` or a path.

    Raises:
        WeightsError: The file is another network's.
    """
    row = spec.backbone_row
    convolutional = row.head == "convolutional"
    if source == "imagenet":
        return _named_as_ours(_downloaded(spec), nested=row.nested)
    try:
        network = _without_top(application(row), spec.width if row.nested else 1.0)
        if convolutional and (layers := read_layers(Path(source))) is not None:
            _check_names(layers, network)
            return _flat(layers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters there is an error as well
            network.load_weights(source)
    except (ValueError, OSError, KeyError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(
            f"weights {Path(source).name}: not a file of {spec.backbone} without top "
            f"as keras.applications writes it ({reason}); name the backbone that the "
            "file is of"
        ) from error
    return _named_as_ours(network, nested=row.nested)


def _downloaded(spec: ModelSpec) -> keras.Model:
    """Returns Keras' own network with ImageNet weights, cached or downloaded."""
    row = spec.backbone_row
    # The Dense layers are most of the download.
    top = row.head == "convolutional" and spec.head_width == VGG_TOP_WIDTH
    try:
        with libraries.keras_downloads(), warnings.catch_warnings():
            # It warns that the weights were trained at 224 pixels a side: any will do.
            warnings.simplefilter("ignore", UserWarning)
            return application(row)(
                weights="imagenet",
                include_top=top,
                input_shape=None if top else (None, None, 3),
            )
    except Exception as error:
        # Keras raises a bare Exception where it cannot download.
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"weights imagenet: Keras could not download those of {spec.backbone} "
            f"({reason}); give the path of a file that you have instead, or copy "
            "Keras' file to ~/.keras/models"
        ) from error


def _check_names(layers: Layers, network: keras.Model) -> None:
    """Checks that a file, with or without top, has these layers and no others."""
    expected = {layer.name for layer in network.layers if layer.weights}
    missing = sorted(expected - set(layers))
    unknown = sorted(set(layers) - expected - set(VGG_TOP))
    if missing or unknown:
        raise ValueError(f"missing: {missing[:3]}, unknown: {unknown[:3]}")


def _without_top(application: Callable[..., keras.Model], width: float) -> keras.Model:
    options = {} if width == 1.0 else {"alpha": width}
    return application(
        weights=None, include_top=False, input_shape=(None, None, 3), **options
    )


def _named_as_ours(
    network: keras.Model, *, nested: bool
) -> dict[str, NDArray[np.float32]]:
    if not nested:
        return tensors_of(network)
    return {
        f"{NESTED_NAME}/{name.partition('/')[2]}": np.asarray(variable)
        for name, variable in named_weights(network)
    }


def _flat(layers: Layers) -> dict[str, NDArray[np.float32]]:
    return {
        f"{layer}/{weight}": values
        for layer, weights in layers.items()
        for weight, values in weights.items()
    }


def _fitting_top(
    model: keras.Model, tensors: dict[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Turns VGG's Dense layers into the model's head where each one's shapes fit."""
    names = {layer.name for layer in model.layers}
    for dense, convolution in VGG_TOP.items():
        kernel = tensors.pop(f"{dense}/kernel", None)
        bias = tensors.pop(f"{dense}/bias", None)
        if kernel is None or bias is None or convolution not in names:
            continue
        expected = tuple(model.get_layer(convolution).kernel.shape)
        if kernel.shape == expected:  # a baseline's own Dense layer
            tensors[f"{convolution}/kernel"] = kernel
        elif kernel.size == np.prod(expected) and len(bias) == expected[-1]:
            tensors[f"{convolution}/kernel"] = dense_to_convolution(kernel, expected)
        else:
            continue
        tensors[f"{convolution}/bias"] = bias
    return tensors


def dense_to_convolution(
    kernel: NDArray[np.float32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Returns a Dense kernel behind Flatten as a convolution over the whole map.

    Args:
        kernel: `[h * w * channels, units]`, rows in Flatten's order.
        shape: `(h, w, channels, units)`.

    Raises:
        WeightsError: The numbers of elements differ.
    """
    height, width, channels, units = shape
    if kernel.shape != (height * width * channels, units):
        raise WeightsError(
            f"dense kernel: got shape {kernel.shape}, expected "
            f"{(height * width * channels, units)} for a {height}x{width} convolution; "
            "build the head that the weights have"
        )
    return kernel.reshape(shape)
