"""Layers of a rating network that stay in f32, chosen by what they cost its order."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images, libraries
from fcn_core.bundles.card import ModelCard
from fcn_core.int8 import kept_layers
from fcn_core.scoring.feed import feed_of, prepare
from tests.drawn import tiny_int8
from tests.drawn.tiny_models import draw_photo


def network_of(bundle: Path) -> Any:
    return libraries.import_openvino().Core().read_model(bundle / "logits.xml")


@pytest.fixture(scope="module")
def ratings(rating_bundle: Path) -> kept_layers.Ratings:
    card = ModelCard.read(rating_bundle)
    feed = feed_of(card)
    photos = [
        prepare(images.decode(draw_photo(seed=seed), max_side=None), feed)
        for seed in range(5)
    ]
    return kept_layers.Ratings(card, photos)


def test_a_layer_in_f32_computes_as_if_it_had_not_been_quantised(
    rating_bundle: Path, ratings: kept_layers.Ratings
) -> None:
    network = network_of(rating_bundle)
    restored = quantised = tiny_int8.quantised(rating_bundle)
    before = ratings.of(quantised)
    for name in kept_layers.layers_of(network):
        restored = kept_layers.in_f32(restored, network, name)
    expected = ratings.of(network)
    assert np.abs(before - expected).max() > 1e-4
    assert np.abs(ratings.of(restored) - expected).max() < 1e-5
    assert np.array_equal(ratings.of(quantised), before), "the first is not changed"


class Quantiser:
    """Rounds weights but of the layers named, and turns the `bad` ones' signs."""

    def __init__(self, network: Any, bad: Sequence[str]) -> None:
        self.network, self.bad = network, bad
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, in_f32: Sequence[str]) -> Any:
        from openvino import opset13

        self.calls.append(tuple(in_f32))
        changed = self.network.clone()
        for layer in changed.get_ordered_ops():
            name = layer.get_friendly_name()
            if layer.get_type_name() in kept_layers.LAYERS and name not in in_f32:
                source = layer.input(1).get_source_output()
                top = np.float32(np.abs(source.get_node().data).max())
                # An output range that is upside down turns the sign.
                sign = np.float32(-1 if name in self.bad else 1)
                rounded = opset13.fake_quantize(
                    source, -top, top, -top * sign, top * sign, 255
                )
                layer.input(1).replace_source_output(rounded.output(0))
        changed.validate_nodes_and_infer_types()
        return changed


def test_the_layer_that_spoils_the_order_is_found_and_no_other(
    rating_bundle: Path, ratings: kept_layers.Ratings
) -> None:
    network = network_of(rating_bundle)
    bad = kept_layers.layers_of(network)[1:2]
    quantise = Quantiser(network, bad)
    kept = kept_layers.keep_layers(network, quantise, ratings)
    assert list(kept.layers) == bad
    assert kept.agreement is not None
    assert kept.agreement >= kept_layers.WANTED_RANKS
    assert quantise.calls == [(), tuple(bad)]


def test_nothing_stays_where_the_order_is_kept_anyway(
    rating_bundle: Path, ratings: kept_layers.Ratings
) -> None:
    network = network_of(rating_bundle)
    quantise = Quantiser(network, ())
    kept = kept_layers.keep_layers(network, quantise, ratings)
    assert (kept.layers, quantise.calls) == ((), [()])


def test_half_of_the_layers_stay_at_most(
    rating_bundle: Path,
    ratings: kept_layers.Ratings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = network_of(rating_bundle)
    monkeypatch.setattr(kept_layers, "WANTED_RANKS", 2.0)
    quantise = Quantiser(network, kept_layers.layers_of(network))
    kept = kept_layers.keep_layers(network, quantise, ratings)
    most = max(1, len(kept_layers.layers_of(network)) // 2)
    assert len(quantise.calls) == 1 + most
    assert len(kept.layers) <= most
