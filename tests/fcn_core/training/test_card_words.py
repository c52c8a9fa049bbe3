"""A card says what its run recorded: origin, weaknesses, and the command."""

import shlex
from pathlib import Path

import pytest

from fcn_core import scoring
from fcn_core.bundles import find
from fcn_core.bundles.card import Metric, ModelCard
from fcn_core.labels import VOC_CLASSES
from fcn_core.recipes import RECIPES
from fcn_core.training import card_words
from fcn_core.training.run_folder import RunFolder
from tests.drawn.tiny_runs import draw_record


def metrics_of(values: dict[str, float]) -> list[Metric]:
    return [
        Metric(name=name, value=value, data="voc", split="val", images=9)
        for name, value in values.items()
    ]


def test_origin_is_that_of_the_weights_a_run_began_with(tmp_path: Path) -> None:
    random = card_words.origin(draw_record())
    assert random.words == "Every weight: its own training, from random ones."
    net = card_words.origin(draw_record(init="imagenet"))
    assert net.words.startswith("Started from MobileNetV2 trained on ImageNet")
    assert net.words.endswith("New in its training: skip_stride8, head_score.")
    file = tmp_path / "my weights.npz"
    file.write_bytes(b"of somebody")
    other = card_words.origin(draw_record(init=str(file)))
    assert "from my weights.npz, weights whose origin is not recorded." in other.words
    assert other.licence == "that of my weights.npz"
    built_in = card_words.origin(draw_record(init="voc21"))
    shipped = find.card_of("voc21")
    assert f'from {shipped.label}, whose origin is "{shipped.origin}"' in built_in.words
    run = tmp_path / "before"
    RunFolder.create(run, draw_record())
    words = card_words.origin(draw_record(init=str(run))).words
    assert "from before, a run of voc21 that started from random weights." in words
    for one in (random, net, other):
        assert "DeepLab" not in one.words


def test_skips_of_later_stages_are_new_too() -> None:
    record = draw_record(init="imagenet")
    record.settings.numbers["stages"] = [{"model": "fcn32s"}, {"model": "fcn8s"}]
    assert "head_score, the skips of its later" in card_words.origin(record).words


def test_notes_name_the_classes_and_the_weakest_as_measured() -> None:
    three = metrics_of({"miou": 0.1, "iou_cat": 0.9, "iou_dog": 0.2, "iou_way": 0.4})
    notes = card_words.notes("Small.", ["way", "cat", "dog"], three)
    assert notes == (
        "Finds 3 classes: way, cat, dog. Weakest classes (IoU on val, 9 photos): "
        "dog 0.200. Small."
    )
    many = metrics_of({f"iou_{name}": n / 40 for n, name in enumerate(VOC_CLASSES)})
    notes = card_words.notes("", VOC_CLASSES, many[::-1])
    assert notes.startswith("Finds the 20 object classes of Pascal VOC;")
    assert notes.endswith(
        ": background 0.000, aeroplane 0.025, bicycle 0.050, bird 0.075, boat 0.100."
    )
    assert card_words.notes("Rates.", None, metrics_of({"srcc": 0.5})) == "Rates."


@pytest.mark.parametrize("name", ["quality", "voc21"])
def test_shipped_cards_say_what_their_figures_say(name: str) -> None:
    card = ModelCard.read(scoring.find_bundle(name))
    notes = RECIPES[str(card.training["recipe"])].notes
    assert card.notes == card_words.notes(notes, card.classes, card.metrics)


def test_a_file_of_weights_is_named_in_the_command(tmp_path: Path) -> None:
    file = tmp_path / "my weights.npz"
    file.write_bytes(b"of somebody")
    command = card_words.command(draw_record(init=str(file)))
    assert f"--init {shlex.quote(file.name)} " in command
