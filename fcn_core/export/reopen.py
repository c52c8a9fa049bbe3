"""A bundle's frozen network -> a Keras model with its weights, to train further.

A bundle stores weights as constants of a graph whose names depend on the process that
wrote it. So the network is built again from the card's own description, frozen the same
way, and both graphs are walked together from their outputs: constants in the same place
are the same weight.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.framework import convert_to_constants

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.operations import producer
from fcn_core.export import bundle
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import WeightsError

_MARK: Final = 7919.25
"""The first mark: no constant of a network's own arithmetic is that large and odd."""

_PASSED_ON: Final = ("Identity", "StopGradient", "PreventGradient")


def load_bundle(name: str) -> keras.Model:
    """Rebuilds the Keras model of a bundle.

    Args:
        name: A built-in model, or the folder of a bundle.

    Raises:
        ModelError: There is no such bundle.
        WeightsError: It was not written by `fcn export`, or the network's code has
            changed since.
    """
    folder = scoring.find_bundle(name)
    card = ModelCard.read(folder)
    if "model" not in card.training:
        raise WeightsError(
            f"weights {name}: its card does not describe the network, expected a "
            "bundle that `fcn export` wrote; train from another bundle"
        )
    described: Any = card.training["model"]
    model = build(ModelSpec.from_json(described))
    _mark(model)
    by_mark = {
        _first(variable): (variable, index)
        for index, variable in enumerate(model.weights)
        if "float" in str(variable.dtype)
    }
    found = dict(_pairs(bundle.freeze(model), _frozen(folder), name=name))
    values = {
        by_mark[mark][1]: value for mark, value in found.items() if mark in by_mark
    }
    if len(values) != len(by_mark):
        raise _other_code(name)
    for variable, index in by_mark.values():
        if tuple(variable.shape) != values[index].shape:
            raise _other_code(name)
        variable.assign(values[index])
    return model


def _other_code(name: str) -> WeightsError:
    return WeightsError(
        f"weights {name}: its graph is not that of the network its card describes, "
        "expected a bundle written by this version; train from its run folder"
    )


def _mark(model: keras.Model) -> None:
    """Gives every weight a value of its own, so that it can be found in a graph."""
    for number, variable in enumerate(model.weights):
        if "float" in str(variable.dtype):
            variable.assign(np.full(variable.shape, _MARK + number, np.float32))


def _first(variable: Any) -> float:
    return float(np.asarray(variable).flat[0])


def _frozen(folder: Path) -> Any:
    """Returns the bundle's `logits` function, everything inlined."""
    loaded = tf.saved_model.load(str(folder))
    function = convert_to_constants.convert_variables_to_constants_v2(
        loaded.signatures["logits"]
    )
    function.kept = loaded  # the graph's resources live as long as this
    return function


def _pairs(
    marked: Any, frozen: Any, *, name: str
) -> list[tuple[float, NDArray[np.float32]]]:
    """Walks two graphs together; returns (mark, constant in the same place)."""
    nodes, twins = (
        {node.name: node for node in function.graph.as_graph_def().node}
        for function in (marked, frozen)
    )
    pending = [
        (_real(ours.name, nodes), _real(theirs.name, twins))
        for ours, theirs in zip(marked.outputs, frozen.outputs, strict=True)
    ]
    seen: set[str] = set()
    pairs = []
    while pending:
        ours, theirs = pending.pop()
        if ours in seen:
            continue
        seen.add(ours)
        node, twin = nodes[ours], twins[theirs]
        inputs = _inputs(node), _inputs(twin)
        if node.op != twin.op or len(inputs[0]) != len(inputs[1]):
            raise _other_code(name)
        if node.op == "Const":
            value, weight = (
                tf.make_ndarray(n.attr["value"].tensor) for n in (node, twin)
            )
            if value.dtype == np.float32 and value.size:
                pairs.append((float(value.flat[0]), weight))
        pending += [
            (_real(a, nodes), _real(b, twins)) for a, b in zip(*inputs, strict=True)
        ]
    return pairs


def _inputs(node: Any) -> list[str]:
    return [text for text in node.input if not text.startswith("^")]


def _real(reference: str, nodes: Mapping[str, NodeDef]) -> str:
    """Returns the node behind a reference, past those that only hand a value on."""
    name = producer(reference)
    while nodes[name].op in _PASSED_ON:
        name = producer(_inputs(nodes[name])[0])
    return name
