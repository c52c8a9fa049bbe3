"""As many first layers of a rating network stay in f32 as keep the order of photos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images, libraries
from fcn_core.bundles import find
from fcn_core.bundles.card import ModelCard
from fcn_core.int8 import kept_layers
from fcn_core.metrics.correlation import spearman
from fcn_core.scoring.feed import feed_of, prepare
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


def test_first_layers_stay_until_what_spoils_the_order_does(
    rating_bundle: Path, ratings: kept_layers.Ratings
) -> None:
    network = network_of(rating_bundle)
    first = kept_layers.layers_of(network)[: kept_layers.STEP]
    quantise = Quantiser(network, first[1:])
    kept = kept_layers.keep_layers(network, quantise, ratings)
    assert list(kept.layers) == first
    assert kept.agreement is not None
    assert kept.agreement >= kept_layers.WANTED_RANKS
    assert quantise.calls == [(), tuple(first)]
    expected = ratings.of(network)
    assert np.abs(ratings.of(kept.network) - expected).max() < 0.05


def test_nothing_stays_where_the_order_is_kept_anyway(
    rating_bundle: Path, ratings: kept_layers.Ratings
) -> None:
    network = network_of(rating_bundle)
    quantise = Quantiser(network, ())
    kept = kept_layers.keep_layers(network, quantise, ratings)
    assert (kept.layers, quantise.calls) == ((), [()])


def test_half_of_the_layers_stay_at_most_and_the_best_is_taken(
    rating_bundle: Path, ratings: kept_layers.Ratings
) -> None:
    network = network_of(rating_bundle)
    names = kept_layers.layers_of(network)
    quantise = Quantiser(network, names[-1:])
    kept = kept_layers.keep_layers(network, quantise, ratings)
    assert [len(each) for each in quantise.calls] == list(
        range(0, len(names) // 2 + 1, 2)
    )
    assert kept.agreement is not None
    assert kept.agreement < kept_layers.WANTED_RANKS
    found = [
        spearman(ratings.of(network), ratings.of(quantise(each)))
        for each in quantise.calls[:]
    ]
    assert kept.agreement == max(found)


def operations(network: Any, names: Sequence[str]) -> list[str]:
    """The kinds of these operations."""
    return [
        operation.get_type_name()
        for operation in network.get_ordered_ops()
        if operation.get_friendly_name() in set(names)
    ]


def test_what_mixes_scores_is_found_to_its_end() -> None:
    core, folder = libraries.import_openvino().Core(), find.find_bundle("voc21")
    network = core.read_model(folder / "logits.xml")
    kinds = operations(network, kept_layers.mixing_of(network))
    assert not set(kinds) & set(kept_layers.LAYERS)
    # Two steps, eight neighbours each.
    assert kinds.count("Multiply") >= 16
    assert kinds[-1] == "Result"


def test_the_shipped_int8_form_mixes_in_f32() -> None:
    core, folder = libraries.import_openvino().Core(), find.find_bundle("voc21")
    network = core.read_model(folder / "logits-int8.xml")
    kinds = operations(network, kept_layers.mixing_of(network))
    assert kinds.count("Multiply") >= 16
    assert "FakeQuantize" not in kinds


def test_a_network_that_mixes_nothing_has_nothing_of_it(rating_bundle: Path) -> None:
    assert kept_layers.mixing_of(network_of(rating_bundle)) == []
