"""Which layers of a rating network stay in f32: those that cost most agreement.

Ratings are worth something by their order, and some layers round it away. Each layer is
put back to f32 by itself in the quantised network; those that help most are left out of
the quantisation, as few as it takes until photos keep their order.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fcn_core import libraries
from fcn_core.bundles.card import ModelCard
from fcn_core.metrics.correlation import spearman
from fcn_core.scoring.feed import Fed
from fcn_core.scoring.scorers import rate

WANTED_RANKS: Final = 0.996
"""Rank correlation to reach: above what scoring asks for, other photos agree less."""

LAYERS: Final = ("Convolution", "GroupConvolution")

Quantise = Callable[[Sequence[str]], Any]
"""Layers that stay in f32 -> the network in int8."""


@dataclass(frozen=True)
class Kept:
    """A quantised network, and what of it is not.

    Attributes:
        network: OpenVINO's model.
        layers: Names of those in f32, the one that matters most first.
        agreement: Rank correlation with f32 on the photos that chose them; None: no
            photos did.
    """

    network: Any
    layers: tuple[str, ...]
    agreement: float | None = None


class Ratings:
    """Mean ratings of the same photos by different networks of a card."""

    def __init__(self, card: ModelCard, photos: Sequence[Fed]) -> None:
        self._card, self._photos = card, photos
        self._core = libraries.import_openvino().Core()

    def of(self, network: Any) -> NDArray[np.float64]:
        """Returns the mean rating of each photo."""
        requests: dict[tuple[int, ...], Any] = {}
        means = []
        for photo in self._photos:
            shape = photo.batch.shape
            if shape not in requests:
                fixed = network.clone()
                fixed.reshape(list(shape))
                requests[shape] = self._compiled(fixed).create_infer_request()
            logits = next(iter(requests[shape].infer([photo.batch]).values()))
            means.append(rate(logits, photo.sizes, card=self._card)["mean"][0])
        return np.array(means, np.float64)

    def _compiled(self, network: Any) -> Any:
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        return self._core.compile_model(network, "CPU", settings)


def keep_layers(network: Any, quantise: Quantise, ratings: Ratings) -> Kept:
    """Quantises a rating network but for the layers that cost agreement.

    Half of its layers are left in f32 at most, even if that is not enough: more would
    hardly be faster than f32.

    Args:
        network: In f32.
        quantise: It in int8; called once for each number of layers tried.
        ratings: Of photos that did not calibrate.
    """
    names = layers_of(network)
    expected = ratings.of(network)
    quantised = quantise([])
    reached = _agreement(expected, ratings.of(quantised))
    best = Kept(quantised, (), reached)
    if reached >= WANTED_RANKS:
        return best
    costs = {
        name: _spread(expected, ratings.of(in_f32(quantised, network, name)))
        for name in names
    }
    order = sorted(names, key=costs.__getitem__)
    for count in range(1, max(1, len(names) // 2) + 1):
        layers = tuple(order[:count])
        changed = quantise(layers)
        agreement = _agreement(expected, ratings.of(changed))
        if agreement > reached:
            best, reached = Kept(changed, layers, agreement), agreement
        if agreement >= WANTED_RANKS:
            break
    return best


def layers_of(network: Any, kinds: Sequence[str] = LAYERS) -> list[str]:
    """Returns the names of a network's convolutions, in the order they run in."""
    return [
        operation.get_friendly_name()
        for operation in network.get_ordered_ops()
        if operation.get_type_name() in kinds
    ]


def in_f32(quantised: Any, network: Any, name: str) -> Any:
    """Returns a copy of a quantised network with the numbers of one layer as they were.

    Args:
        quantised: Of `network`, with the same names.
        network: In f32.
        name: Of a convolution in both.
    """
    changed = quantised.clone()
    layer = _find(changed, name)
    source = layer.input(0).get_source_output().get_node()
    if source.get_type_name() == "FakeQuantize":
        layer.input(0).replace_source_output(source.input(0).get_source_output())
    weights = _values(_find(network, name).input(1).get_source_output())
    layer.input(1).replace_source_output(_constant(weights).output(0))
    changed.validate_nodes_and_infer_types()
    return changed


def _find(network: Any, name: str) -> Any:
    return next(
        each for each in network.get_ordered_ops() if each.get_friendly_name() == name
    )


def _values(output: Any) -> NDArray[np.float32]:
    """Returns what a part of a network that has no input comes to."""
    openvino = libraries.import_openvino()
    model = openvino.Model([output], [], "weights")
    request = openvino.Core().compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return np.array(next(iter(request([]).values())), np.float32)


def _constant(values: NDArray[np.float32]) -> Any:
    libraries.import_openvino()
    from openvino import opset13

    return opset13.constant(values)


def _spread(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Returns how unevenly ratings differ: a shift of all changes no order."""
    return float(np.std(two - one))


def _agreement(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Returns the rank correlation; 0 where there is no order to keep."""
    found = spearman(one, two)
    return 0.0 if math.isnan(found) else float(found)
