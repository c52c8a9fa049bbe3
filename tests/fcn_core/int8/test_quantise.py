"""`fcn export --int8`: photos are chosen, a network is quantised and measured."""

import importlib.util
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fcn_core import libraries, scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.seal import verify
from fcn_core.int8 import quantise as int8
from fcn_core.int8.figures import Measured
from fcn_core.int8.kept_layers import Kept, layers_of
from fcn_core.int8.quantise import Int8Settings
from fcn_core.records.source import Source
from fcn_core.scoring.engines import IR_NAME
from tests.drawn import tiny_int8, tiny_shards

needs_nncf = pytest.mark.skipif(
    importlib.util.find_spec("nncf") is None,
    reason="nncf is not installed: pip install 'fcn[int8]'",
)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    return tiny_shards.drawn_records(tmp_path_factory.mktemp("tree"), train=9, val=4)


@pytest.fixture(scope="module")
def data(records: dict[str, list], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.write_finished(tmp_path_factory.mktemp("voc") / "data", records)


@pytest.fixture
def settings(data: Path) -> Int8Settings:
    return Int8Settings(data=data, photos=5)


def names(settings: Int8Settings) -> list[str]:
    return [record.source_id for record in int8.choose(settings)]


def test_the_choice_depends_on_the_seed_and_not_on_the_order(
    records: dict[str, list], settings: Int8Settings, tmp_path: Path
) -> None:
    chosen = names(settings)
    assert len(set(chosen)) == 5
    assert chosen == names(settings)
    turned = {split: each[::-1] for split, each in records.items()}
    other = tiny_shards.write_finished(tmp_path / "turned", turned)
    assert names(replace(settings, data=other)) == chosen
    assert any(names(replace(settings, seed=seed)) != chosen for seed in (1, 2, 3))
    every = {r.source_id for r in Source(folder=settings.data, split="train").records()}
    assert set(names(replace(settings, photos=99))) == every


def test_without_nncf_a_line_names_the_cure(
    settings: Int8Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(
        ModelError, match=r"needs the package nncf.*fcn\[int8\]"
    ) as missing:
        int8.add_int8(scoring.find_bundle("quality"), tmp_path / "out", settings)
    assert "\n" not in str(missing.value)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def has_nncf(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were installed: for what is refused before it is used."""
    monkeypatch.setattr(int8, "check_installed", lambda: None)


@pytest.mark.usefixtures("has_nncf")
def test_a_taken_folder_and_a_bundle_without_ir_are_refused(
    segmentation_bundle: Path, settings: Int8Settings, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(ModelError, match="taken exists and is not empty"):
        int8.add_int8(segmentation_bundle, tmp_path / "taken", settings)
    card = ModelCard.read(segmentation_bundle)
    copy = tmp_path / "copy"
    shutil.copytree(segmentation_bundle, copy)
    for name in ("logits.xml", "logits.bin"):
        (copy / name).unlink()
    files = {k: v for k, v in card.files.items() if not k.startswith("logits")}
    card.model_copy(update={"files": files}).write(copy)
    with pytest.raises(ModelError, match=r"has no logits\.xml.*export it again"):
        int8.add_int8(copy, tmp_path / "out", settings)


@pytest.mark.usefixtures("has_nncf")
def test_other_classes_are_refused_before_minutes_are_spent(
    segmentation_bundle: Path, settings: Int8Settings, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="expected the classes of tiny-segmentation"):
        int8.add_int8(segmentation_bundle, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


@needs_nncf
def test_a_rating_model_gets_an_int8_form(
    rating_bundle: Path, settings: Int8Settings, tmp_path: Path
) -> None:
    cards = [
        int8.add_int8(rating_bundle, tmp_path / name, settings, name="other", version=v)
        for name, v in (("one", "1"), ("two", "2"))
    ]
    card = ModelCard.read(tmp_path / "one")
    verify(card, tmp_path / "one")
    assert card == cards[0]
    assert card.label == "other@1"
    assert card.fingerprint == ModelCard.read(rating_bundle).fingerprint
    assert card.int8 is not None
    assert cards[1].int8 == card.int8, "the same photos give the same network"
    made = card.int8.calibration
    assert (made.photos, made.split, made.seed, made.data) == (5, "train", 0, "voc")
    assert set(made.versions) == {"nncf", "openvino"}
    assert made.chosen_on == 4, "the photos of the split that did not calibrate"
    assert made.agreement is not None
    network = libraries.import_openvino().Core().read_model(rating_bundle / IR_NAME)
    assert set(made.in_f32) < set(layers_of(network))
    (compared,) = card.int8.compared
    assert (compared.name, compared.split, compared.images) == (
        "rank_correlation",
        "val",
        4,
    )
    data = next(Source(folder=settings.data, split="val").records()).encoded
    means = [
        scoring.PhotoScorer(
            [scoring.load_scorer(str(tmp_path / "one"), "openvino", precision)]
        )
        .score_photo(data)
        .aesthetics_mean
        for precision in ("f32", "int8")
    ]
    assert means[0] is not None
    assert means[1] == pytest.approx(means[0], abs=0.2)
    assert means[0] != means[1]


@pytest.mark.usefixtures("has_nncf")
def test_photos_that_choose_layers_neither_calibrate_nor_measure(
    rating_bundle: Path,
    settings: Int8Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: dict[str, set[str]] = {}

    def choose_layers(bundle: Path, card: ModelCard, photos: Any) -> Kept:
        del bundle, card
        used["calibrate"] = {record.sha256 for record in photos.calibrate}
        used["choose"] = {record.sha256 for record in photos.choose}
        return Kept(tiny_int8.quantised(rating_bundle), ("a",), 0.9)

    def compare(folder: Path, measured: Measured) -> list:
        del folder
        used["measure"] = {record.sha256 for record in measured.records()}
        return []

    monkeypatch.setattr(int8, "_quantised", choose_layers)
    monkeypatch.setattr(int8.figures, "compare", compare)
    monkeypatch.setattr(int8, "versions_of", lambda *names: {})
    within = replace(settings, measured_split="train")
    card = int8.add_int8(rating_bundle, tmp_path / "out", within)
    every = {
        record.sha256 for record in Source(folder=within.data, split="train").records()
    }
    assert [len(used[use]) for use in ("calibrate", "choose", "measure")] == [5, 2, 2]
    assert set.union(*used.values()) == every
    assert card.int8 is not None
    made = card.int8.calibration
    assert (made.in_f32, made.chosen_on, made.agreement) == (["a"], 2, 0.9)
    assert made.method == int8.METHOD_OF_RATINGS


@needs_nncf
def test_nncf_reports_to_nobody(
    rating_bundle: Path, settings: Int8Settings, tmp_path: Path
) -> None:
    int8.add_int8(rating_bundle, tmp_path / "out", settings)
    # Another test of this process may have loaded it; nncf has not got hold of it.
    reporters = [
        name
        for name, module in sys.modules.items()
        if name.startswith("nncf") and "openvino_telemetry" in vars(module)
    ]
    assert reporters == []
    assert "torch" not in sys.modules
