"""Cards survive their file, and their fingerprint covers what changes a score."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fcn_core.bundles.card import CARD_NAME, Metric, ModelCard, ModelError
from fcn_core.bundles.seal import seal, verify
from tests.drawn.tiny_models import draw_card


def test_round_trip(bundle: Path) -> None:
    drawn = draw_card(
        max_side=640,
        training={"epochs": 4, "rate": 1e-3, "data": ["voc", None]},
        metrics=[
            Metric(name="miou", value=0.7, data="VOC 2012", split="val", images=100)
        ],
    )
    card = seal(drawn, bundle)
    card.write(bundle)
    again = ModelCard.read(bundle)
    assert again == card
    assert again.num_classes == 5
    assert again.label == "tiny-segmentation@1"
    assert set(card.files) == {"saved_model.pb", "variables/variables.index"}
    verify(card, bundle)


@pytest.mark.parametrize(
    "change",
    [
        {"alignment": "center"},
        {"padding_value": (0, 0, 0)},
        {"max_side": 512},
        {"enlarge": 1.25},
        {"minimum_side": 32},
        {"size_multiple": 32},
        {"classes": ["background", "cat", "dog", "person", "cow"]},
        {"network": "0" * 64},
    ],
)
def test_fingerprint_changes_with_what_changes_scores(change: dict[str, Any]) -> None:
    card = draw_card(network="1" * 64)
    assert draw_card(**{"network": "1" * 64} | change).computed_fingerprint() != (
        card.computed_fingerprint()
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"notes": "read me"},
        {"licence": "MIT"},
        {"versions": {"tensorflow": "9"}},
        {"files": {"saved_model.pb": "2" * 64}},
    ],
)
def test_fingerprint_stays_with_what_does_not(change: dict[str, Any]) -> None:
    card = draw_card(network="1" * 64)
    assert draw_card(network="1" * 64, **change).computed_fingerprint() == (
        card.computed_fingerprint()
    )


def test_read_names_what_is_wrong(bundle: Path) -> None:
    path = bundle / CARD_NAME
    good = json.loads(path.read_text())
    for change, message in (
        ({"alignment": "middle"}, "alignment"),
        ({"logits_stride": "8"}, "logits_stride"),
        ({"surprise": 1}, "surprise"),
        ({"schema_version": 2}, "schema_version"),
        ({"padding_value": [0, 0, 256]}, "padding_value"),
        ({"max_side": 100}, "export the model again"),
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(ModelError, match=message) as caught:
            ModelCard.read(bundle)
        assert "\n" not in str(caught.value)
    path.write_text("{")
    with pytest.raises(ModelError, match="not a valid card"):
        ModelCard.read(bundle)
    path.unlink()
    with pytest.raises(ModelError, match="fcn export"):
        ModelCard.read(bundle)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": None},
        {"rating_bins": [1.0, 2.0]},
        {"classes": ["cat", "cat"]},
        {"size_multiple": 12},
        {"task": "aesthetics", "classes": None, "rating_bins": [2.0, 1.0]},
        {"name": "a@b"},
        {"version": "1+2"},
    ],
)
def test_refuses_contradictions(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        draw_card(**change)
