"""Reads MatConvNet's `.mat` files: tensors by name, and what describes them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydantic import JsonValue


def read_mat(
    path: Path,
) -> tuple[dict[str, NDArray[np.float32]], "dict[str, JsonValue]"]:
    """Parses a `.mat` file: tensors by name, and what describes them.

    Parsers of such files can crash on a broken one: call it in a process of its own.

    Returns:
        Tensors, and `classes` (names or None), `mean` (red, green, blue or None),
        `padding` (of conv1_1, pixels, or None), all plain values.

    Raises:
        ValueError: It is not a MatConvNet network.
    """
    try:
        from scipy import io
    except ImportError:
        raise ValueError(
            "reading a .mat file needs the package scipy, which is not installed; pip "
            "install scipy"
        ) from None
    content = io.loadmat(path, simplify_cells=True)
    net = content.get("net", content)
    if isinstance(net, dict):
        content = net
    parameters = content.get("params")
    if parameters is None:
        raise ValueError(
            f"{path.name} holds {sorted(k for k in content if k[0] != '_')}, expected "
            "a DagNN network with params; save the network itself"
        )
    try:
        tensors = {
            str(tensor["name"]): np.asarray(tensor["value"], np.float32)
            for tensor in parameters
        }
    except (TypeError, KeyError, ValueError, IndexError):
        raise ValueError(
            f"{path.name} has params of another kind, expected a list of tensors with "
            "name and value; save the network as a DagNN"
        ) from None
    meta = content.get("meta") or {}
    mean = (meta.get("normalization") or {}).get("averageImage")
    classes = (meta.get("classes") or {}).get("description")
    return tensors, {
        "classes": None if classes is None else [str(name) for name in classes],
        "mean": None if mean is None else _colour(mean),
        "padding": _padding(content.get("layers")),
    }


def _colour(mean: Any) -> "list[JsonValue]":
    """Returns red, green, blue of a mean colour or a mean image."""
    return np.asarray(mean, np.float64).reshape(-1, 3).mean(axis=0).tolist()


def _padding(layers: Any) -> int | None:
    """Returns the first convolution's padding, where the file describes layers."""
    for layer in layers if isinstance(layers, list) else ():
        if layer.get("name") == "conv1_1":
            pad = np.ravel((layer.get("block") or {}).get("pad", 0))
            return int(pad.max()) if pad.size else None
    return None
