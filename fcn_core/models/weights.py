"""Weights into models, by layer name; what was loaded and what is new is said."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.models.spec import ModelSpec

Tensors = Mapping[str, NDArray[np.float32]]
"""`layer/weight` -> values."""

DEEPLAB_HEAD = {
    "aspp0": "head_local",
    "image_pooling": "head_context",
    "proj_aspp": "head_project_local",
    "proj_pool": "head_project_context",
    "semantic": "head_score",
}
"""DeepLab-v3's names of the light head -> ours."""


class WeightsError(Exception):
    """The weights do not fit the model; the message says what and how to cure it."""


@dataclass(frozen=True)
class WeightReport:
    """Layers that got weights, and layers that keep their initial ones."""

    loaded: tuple[str, ...]
    new: tuple[str, ...]


def load_weights(model: keras.Model, spec: ModelSpec, source: str) -> WeightReport:
    """Loads every layer that the source has into a model.

    Args:
        model: Changed in place.
        spec: What the model is.
        source: `imagenet` (downloaded by Keras), an `.npz` of `layer/weight` arrays, or
            an `.h5` of the backbone as `keras.applications` writes it.

    Raises:
        WeightsError: The file is missing, of another kind, or a shape differs.
    """
    path = Path(source)
    if source != "imagenet" and not path.is_file():
        raise WeightsError(
            f"weights: got {source!r}, expected imagenet or an existing .npz or .h5 "
            "file; check the path"
        )
    if source == "imagenet" or path.suffix == ".h5":
        return assign(model, _application_tensors(spec, source), source=source)
    if path.suffix == ".npz":
        return assign(model, _archive_tensors(path), source=source)
    raise WeightsError(
        f"weights: got {source!r}, expected a file ending in .npz or .h5"
    )


def describe_weights(source: str) -> str:
    """Names a source of weights without its folder: a file by name and sha256."""
    path = Path(source)
    if not path.is_file():
        return path.name
    return f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def tensors_of(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Returns all weights of a model as `layer/weight` -> values."""
    return {
        f"{layer.name}/{variable.name}": np.asarray(variable)
        for layer in model.layers
        for variable in layer.weights
    }


def assign(model: keras.Model, tensors: Tensors, *, source: str) -> WeightReport:
    """Copies tensors into the layers of the same name, bit for bit.

    A source may know more layers than the model (a classifier's last convolution), a
    model more than the source (new skips): both are fine as long as something fits.

    Raises:
        WeightsError: Nothing fits, a layer would be half filled, or a shape differs.
    """
    loaded, new = [], []
    for layer in model.layers:
        names = [f"{layer.name}/{variable.name}" for variable in layer.weights]
        if not names:
            continue
        missing = [name for name in names if name not in tensors]
        if len(missing) == len(names):
            new.append(layer.name)
            continue
        if missing:
            raise WeightsError(
                f"weights {source}: layer {layer.name} lacks {', '.join(missing)}, "
                f"expected all of {', '.join(names)}"
            )
        for name, variable in zip(names, layer.weights, strict=True):
            if tuple(variable.shape) != tensors[name].shape:
                raise WeightsError(
                    f"weights {source}: {name} has shape {tensors[name].shape}, "
                    f"expected {tuple(variable.shape)}; build the model with the "
                    "classes and width that the weights have"
                )
            variable.assign(tensors[name])
        loaded.append(layer.name)
    if not loaded:
        raise WeightsError(
            f"weights {source}: no layer name fits the model {model.name}, expected "
            f"names such as {', '.join(new[:3])}"
        )
    return WeightReport(tuple(loaded), tuple(new))


def transfer(source: keras.Model, target: keras.Model) -> WeightReport:
    """Staged training: copies what both networks have; the rest is new.

    Layers whose shapes differ because the classes differ (scores and skips) are new
    too, so that a trained network can start one for other classes.

    Raises:
        WeightsError: A layer that does not depend on the classes has another shape.
    """
    tensors = tensors_of(source)
    for layer in target.layers:
        for variable in layer.weights:
            name = f"{layer.name}/{variable.name}"
            differs = name in tensors and tensors[name].shape != tuple(variable.shape)
            if differs and (layer.name == "head_score" or "skip_" in layer.name):
                for other in layer.weights:
                    tensors.pop(f"{layer.name}/{other.name}", None)
    return assign(target, tensors, source=source.name)


def _archive_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    with np.load(path, allow_pickle=False) as archive:
        tensors = {}
        for name in archive.files:
            layer, _, weight = name.rpartition("/")
            tensors[f"{DEEPLAB_HEAD.get(layer, layer)}/{weight}"] = archive[name]
    return tensors


def _application_tensors(
    spec: ModelSpec, source: str
) -> dict[str, NDArray[np.float32]]:
    """Reads a `keras.applications` file through the network it belongs to."""
    application = spec.backbone_row.application
    if source == "imagenet":
        network = application(
            weights="imagenet", include_top=False, input_shape=(None, None, 3)
        )
        return tensors_of(network)
    network = application(weights=None, include_top=False, input_shape=(None, None, 3))
    try:
        network.load_weights(source)
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(
            f"weights {source}: not a file of {spec.backbone} without top as "
            f"keras.applications writes it ({error})"
        ) from error
    return tensors_of(network)
