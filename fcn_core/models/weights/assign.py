"""Loads weights into models by layer name and reports what was loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.whole_files import sha256_of_file

Tensors = Mapping[str, NDArray[np.float32]]
"""`layer/weight` -> values."""

SCORES = "head_score"
"""The layer that scores classes, in every segmentation network."""

_BY_CLASSES = (SCORES, "skip_", "upsample_")
"""Layers whose shapes follow from the number of classes, or of the stage."""


class WeightsError(Exception):
    """The weights do not fit the model: what differs, what was expected, the cure."""


@dataclass(frozen=True)
class WeightReport:
    """Layers that got weights, and layers that keep their initial weights."""

    loaded: tuple[str, ...]
    new: tuple[str, ...]


def describe_weights(source: str) -> str:
    """Returns a source of weights without its folder: a file by name and sha256."""
    path = Path(source)
    if not path.is_file():
        return path.name
    return f"{path.name} sha256:{sha256_of_file(path)}"


def tensors_of(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Returns all weights of a model as `layer/weight` -> values."""
    return {
        name: np.asarray(variable)
        for layer in model.layers
        for name, variable in named_weights(layer)
    }


def named_weights(layer: Any) -> list[tuple[str, Any]]:
    """Returns `layer/weight` and the variable for each weight of a layer.

    The weights of a nested model are numbered: its layers' names may be automatic.
    """
    numbered = isinstance(layer, keras.Model)
    return [
        (
            f"{layer.name}/{f'{number:04d}_' if numbered else ''}{variable.name}",
            variable,
        )
        for number, variable in enumerate(layer.weights)
    ]


def assign(model: keras.Model, tensors: Tensors, *, source: str) -> WeightReport:
    """Copies tensors into the layers of the same name, bit for bit.

    A source may know more layers than the model (a classifier's last convolution), a
    model more than the source (new skips): both are fine as long as something fits.

    Raises:
        WeightsError: Nothing fits, a layer would be half filled, or a shape differs.
    """
    loaded, new = [], []
    for layer in model.layers:
        weights = named_weights(layer)
        names = [name for name, _ in weights]
        if not names:
            continue
        missing = [name for name in names if name not in tensors]
        if len(missing) == len(names):
            new.append(layer.name)
            continue
        if missing:
            raise WeightsError(
                f"weights {source}: layer {layer.name} lacks {', '.join(missing)}, "
                f"expected all of {', '.join(names)}; copy or export the file again"
            )
        for name, variable in weights:
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
            f"names such as {', '.join(new[:3])}; give the weights of this network"
        )
    return WeightReport(tuple(loaded), tuple(new))


def assign_all(model: keras.Model, tensors: Tensors, *, source: str) -> None:
    """Copies tensors into a model that has exactly these.

    Raises:
        WeightsError: A tensor is missing, has another shape, or has no place.
    """
    known = {name for layer in model.layers for name, _ in named_weights(layer)}
    unused, missing = sorted(set(tensors) - known), sorted(known - set(tensors))
    if unused or missing:
        raise WeightsError(
            f"weights {source}: {len(unused)} tensors have no place "
            f"({', '.join(unused[:3])}) and {len(missing)} are missing "
            f"({', '.join(missing[:3])}), expected exactly those of {model.name}; name "
            "the layout that the file has"
        )
    assign(model, tensors, source=source)


def transfer(
    source: keras.Model, target: keras.Model, *, same_classes: bool = True
) -> WeightReport:
    """Copies what both networks have, for staged training; the rest is new.

    Scores, skips and upsampling whose shapes differ are new too, so that a trained
    network can start one for other classes.

    Args:
        source: Where the weights are.
        target: Where they go.
        same_classes: Whether channel k of both means the same; if not, scores and skips
            are new even where their shapes agree.

    Raises:
        WeightsError: A layer that does not depend on the classes has another shape.
    """
    tensors = tensors_of(source)
    for layer in target.layers:
        if not layer.name.startswith(_BY_CLASSES):
            continue
        names = {name: tuple(variable.shape) for name, variable in named_weights(layer)}
        differs = any(
            name in tensors and tensors[name].shape != shape
            for name, shape in names.items()
        )
        if differs or not same_classes:
            for name in names:
                tensors.pop(name, None)
    return assign(target, tensors, source=source.name)
