"""How many of the first layers of a rating network stay in f32.

Ratings are worth something by their order, and what the first layers round away all
others miss. Layers picked by what each costs alone agreed less and were slower: numbers
change their form at the border of each of them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fcn_core import libraries
from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.int8_form import LEAST_RANKS
from fcn_core.metrics.correlation import spearman
from fcn_core.scoring.feed import Fed
from fcn_core.scoring.scorers import rate

WANTED_RANKS: Final = (1 + LEAST_RANKS) / 2
"""Rank correlation to reach: half the loss that scoring allows, others agree less."""

STEP: Final = 2
"""Layers a step: a depthwise one, and the one that mixes its channels."""

LAYERS: Final = ("Convolution", "GroupConvolution")

MIXING: Final = "affinity_mix"
"""Name of the layer that mixes scores, as part of the names of its operations."""

Quantise = Callable[[Sequence[str]], Any]
"""Layers that stay in f32 -> the network in int8."""


@dataclass(frozen=True)
class Kept:
    """A quantised network, and what of it is not.

    Attributes:
        network: OpenVINO's model.
        layers: Names of those in f32, in the order they run in.
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
    """Quantises a rating network but for its first layers, as few as are enough.

    Half of its layers are left in f32 at most, even if that is not enough: more would
    hardly be faster than f32. What agrees best is returned then.

    Args:
        network: In f32.
        quantise: It in int8; called once for each number of layers tried.
        ratings: Of photos that did not calibrate.
    """
    names = layers_of(network)
    expected = ratings.of(network)
    tried: list[Kept] = []
    for count in range(0, len(names) // 2 + 1, STEP):
        quantised = quantise(names[:count])
        agreement = _agreement(expected, ratings.of(quantised))
        tried.append(Kept(quantised, tuple(names[:count]), agreement))
        if agreement >= WANTED_RANKS:
            break
    return max(tried, key=lambda each: each.agreement or 0.0)


def layers_of(network: Any, kinds: Sequence[str] = LAYERS) -> list[str]:
    """Returns the names of a network's convolutions, in the order they run in."""
    return [
        operation.get_friendly_name()
        for operation in network.get_ordered_ops()
        if operation.get_type_name() in kinds
    ]


def mixing_of(network: Any) -> list[str]:
    """Returns the names of what mixes neighbours' scores, and of all behind it.

    There is no convolution in it, so that rounding its numbers only costs time.
    """
    found: dict[str, None] = {}  # in order
    for operation in network.get_ordered_ops():
        name = operation.get_friendly_name()
        before = {
            value.get_source_output().get_node().get_friendly_name()
            for value in operation.inputs()
        }
        if MIXING in name or before & found.keys():
            found[name] = None
    return [*found]


def _agreement(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Returns the rank correlation; 0 where there is no order to keep."""
    found = spearman(one, two)
    return 0.0 if math.isnan(found) else float(found)
