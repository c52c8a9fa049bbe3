"""What a card says of an int8 form: a fingerprint of its own, and no trace without."""

import json
from pathlib import Path
from typing import Any

import pytest

from fcn_core.bundles.card import CARD_NAME, ModelCard, ModelError
from fcn_core.bundles.int8_form import Int8Form
from fcn_core.bundles.seal import seal, verify
from tests.drawn import tiny_int8, tiny_models


def draw(folder: Path, *, network: str = "a" * 64) -> ModelCard:
    """Writes a bundle of three files that nobody runs, with a card for both forms."""
    folder.mkdir()
    for name in ("logits.xml", "logits-int8.xml", "logits-int8.bin"):
        (folder / name).write_text(name)
    card = tiny_models.draw_card()
    form = Int8Form(
        calibration=tiny_int8.CALIBRATION,
        compared=tiny_int8.compared(card, loss=0.002, ranks=1),
        network="b" * 64,
    )
    card = card.model_copy(update={"int8": form})
    form = form.model_copy(update={"fingerprint": card.computed_int8_fingerprint()})
    card = seal(card.model_copy(update={"int8": form}), folder, network=network)
    card.write(folder)
    return card


def edit(folder: Path, **changes: Any) -> None:
    path = folder / CARD_NAME
    content = json.loads(path.read_text())
    content["int8"] |= changes
    path.write_text(json.dumps(content))


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    card = draw(tmp_path / "bundle")
    found = ModelCard.read(tmp_path / "bundle")
    assert found == card
    assert found.int8 is not None
    assert found.int8.loss == 0.002
    assert {"logits-int8.xml", "logits-int8.bin"} <= set(found.files)


@pytest.mark.parametrize("network", ["a" * 64, ""])
def test_the_f32_form_is_the_same_model_with_and_without_int8(
    tmp_path: Path, network: str
) -> None:
    card = draw(tmp_path / "both", network=network)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "logits.xml").write_text("logits.xml")
    alone = seal(tiny_models.draw_card(), tmp_path / "one", network=network)
    assert card.fingerprint == alone.fingerprint
    assert card.fingerprint_in("f32") == card.fingerprint_in("bf16") == card.fingerprint
    assert card.int8 is not None
    assert card.fingerprint_in("int8") == card.int8.fingerprint != card.fingerprint
    assert alone.fingerprint_in("int8") == alone.fingerprint


def test_a_card_without_int8_does_not_mention_it(tmp_path: Path) -> None:
    card = seal(tiny_models.draw_card(), tmp_path)
    card.write(tmp_path)
    assert "int8" not in json.loads((tmp_path / CARD_NAME).read_text())
    assert ModelCard.read(tmp_path) == card


def test_figures_do_not_change_the_fingerprint_but_the_network_does(
    tmp_path: Path,
) -> None:
    card = draw(tmp_path / "bundle")
    assert card.int8 is not None
    for changes, same in (
        ({"compared": []}, True),
        ({"calibration": card.int8.calibration.model_copy(update={"seed": 9})}, True),
        ({"network": "c" * 64}, False),
    ):
        form = card.int8.model_copy(update=changes)
        other = card.model_copy(update={"int8": form})
        expected = card.computed_int8_fingerprint()
        assert (other.computed_int8_fingerprint() == expected) is same
    working_size = card.model_copy(update={"max_side": 99})
    assert working_size.computed_int8_fingerprint() != card.int8.fingerprint


def test_an_edited_network_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "bundle")
    edit(tmp_path / "bundle", network="c" * 64)
    with pytest.raises(ModelError, match="instead of editing its card"):
        ModelCard.read(tmp_path / "bundle")


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "bundle")
    edit(tmp_path / "bundle", speed=2.2)
    with pytest.raises(ModelError, match=r"int8\.speed"):
        ModelCard.read(tmp_path / "bundle")


def test_changed_bytes_of_the_int8_form_are_found(tmp_path: Path) -> None:
    card = draw(tmp_path / "bundle")
    verify(card, tmp_path / "bundle")
    (tmp_path / "bundle" / "logits-int8.bin").write_text("other")
    with pytest.raises(ModelError, match=r"logits-int8\.bin.*copy the whole folder"):
        verify(card, tmp_path / "bundle")


def test_what_was_not_measured_is_bad() -> None:
    form = Int8Form(calibration=tiny_int8.CALIBRATION, network="b" * 64)
    assert form.loss == float("inf")
    assert form.rank_correlation == 0
