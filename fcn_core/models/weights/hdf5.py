"""Reads the weights that Keras 1 and 2 wrote: HDF5, a group for each layer."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Layers = dict[str, dict[str, NDArray[np.float32]]]
"""Layer -> weight -> values, in the file's order; layers without weights left out."""


def read_layers(path: Path) -> Layers | None:
    """Reads a file of `save_weights`, or of `save`, of Keras before version 3.

    Returns:
        The layers, or None if the file has another layout (Keras 3's, for one).

    Raises:
        OSError: It is not HDF5.
    """
    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        if "layer_names" not in root.attrs:
            return None
        return {
            name: weights
            for name in _texts(root.attrs["layer_names"])
            if (weights := _weights(root[name]))
        }


def _weights(group: Any) -> dict[str, NDArray[np.float32]]:
    """Returns weights by their last name: `conv1/kernel:0` is `kernel`."""
    return {
        name.rpartition("/")[2].partition(":")[0]: np.asarray(group[name], np.float32)
        for name in _texts(group.attrs.get("weight_names", ()))
    }


def _texts(values: Any) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]
