"""A bundle's frozen network -> a Keras model with its weights, to train on from.

A bundle stores weights as constants of a graph whose names depend on the process that
wrote it. So the network is built again from the card's own description, frozen the same
way, and both graphs are walked together from their outputs: constants that stand in the
same place are the same weight.
"""

from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
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
        WeightsError: It was not written by `fcn export`, or by another version of the
            network's code.
    """
    folder = scoring.find_bundle(name)
    card = ModelCard.read(folder)
    if "model" not in card.training:
        raise WeightsError(
            f"weights {name}: its card does not describe the network, expected a "
            "bundle that `fcn export` wrote; train from another one"
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
    """Gives every weight values of its own, so that it is known in a graph."""
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
    nodes, others = (
        {node.name: node for node in one.graph.as_graph_def().node}
        for one in (marked, frozen)
    )
    pending = [
        (_real(one.name, nodes), _real(other.name, others))
        for one, other in zip(marked.outputs, frozen.outputs, strict=True)
    ]
    seen: set[str] = set()
    pairs = []
    while pending:
        one, other = pending.pop()
        if one in seen:
            continue
        seen.add(one)
        node, twin = nodes[one], others[other]
        inputs, twins = _inputs(node), _inputs(twin)
        if node.op != twin.op or len(inputs) != len(twins):
            raise _other_code(name)
        if node.op == "Const":
            value, weight = (
                tf.make_ndarray(n.attr["value"].tensor) for n in (node, twin)
            )
            if value.dtype == np.float32 and value.size:
                pairs.append((float(value.flat[0]), weight))
        pending += [
            (_real(a, nodes), _real(b, others))
            for a, b in zip(inputs, twins, strict=True)
        ]
    return pairs


def _inputs(node: Any) -> list[str]:
    return [text for text in node.input if not text.startswith("^")]


def _real(reference: str, nodes: dict[str, Any]) -> str:
    """The node behind a reference, past those that only hand a value on."""
    name = producer(reference)
    while nodes[name].op in _PASSED_ON:
        name = producer(_inputs(nodes[name])[0])
    return name
