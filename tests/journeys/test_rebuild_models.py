"""`make models` makes every built-in model again, and says what differs."""

import argparse
import subprocess
from pathlib import Path

import keras
import pytest

from benchmarks import rebuild_models
from benchmarks.model_differences import differences
from fcn_core.bundles import find
from fcn_core.bundles.card import Metric
from fcn_core.datasets.pascal import drawn
from fcn_core.export import draft_card
from fcn_core.export.bundle import export
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from tests.drawn import tflite_files, tiny_models
from tests.drawn.tiny_networks import disturb

ROOT = Path(__file__).resolve().parents[2]
SPEC = ModelSpec(backbone="vgg16", width=0.05, head_width=6, classes=5)


def write(folder: Path, model: keras.Model, **fields: object) -> Path:
    card = draft_card.draft_card(
        SPEC,
        name="small",
        classes=tiny_models.CLASSES,
        padding_value=(127, 127, 127),
        max_side=512,
    )
    training = {"model": SPEC.to_json()}
    values = {"version": "1", "training": training, **fields}
    export(model, folder, card.model_copy(update=values))
    return folder


def metric(value: float) -> Metric:
    return Metric(name="miou", value=value, data="voc 1", split="val", images=2)


def test_a_difference_is_a_line(tmp_path: Path) -> None:
    model = disturb(build(SPEC))
    shipped = write(tmp_path / "a", model, metrics=[metric(0.5)], notes="Old.")
    same = write(tmp_path / "b", model, metrics=[metric(0.5)], notes="Old.")
    network, figures = differences(same, str(shipped))
    assert network.startswith("network: equal, ")
    assert figures == "figures: all 1 equal"
    kernel = model.get_layer("skip_stride8").kernel
    kernel.assign(kernel + 0.25)
    other = write(tmp_path / "c", model, metrics=[metric(0.75)], notes="New.")
    _, tensors, figure, notes = differences(other, str(shipped))
    count = len(tensors_of(model))
    assert tensors.startswith(
        f"tensors: 1 of {count} differ, at most by 0.25 (skip_stride8/kernel, which"
    )
    assert figure == "miou on val of voc 1: 0.7500, shipped 0.5000"
    assert notes == "notes: 'New.', shipped 'Old.'"


def test_public_files_are_known_by_name_or_content(tmp_path: Path) -> None:
    file = rebuild_models.PublicFile("a.bin", "", "https://example.org")
    content = tmp_path / "files/renamed.bin"
    content.parent.mkdir()
    content.write_bytes(b"weights")
    known = rebuild_models.PublicFile("a.bin", rebuild_models.digest(content), "there")
    links = tmp_path / "links"
    for _ in range(2):
        found = rebuild_models.find_file(known, content.parent, links=links)
        assert (Path(found).name, Path(found).read_bytes()) == ("a.bin", b"weights")
    with pytest.raises(SystemExit, match=r"got no a.bin, .* https://example.org"):
        rebuild_models.find_file(file, content.parent, links=links)
    content.rename(content.parent / "a.bin")
    found = rebuild_models.find_file(file, content.parent, links=links)
    assert Path(found).parent == content.parent


def test_every_built_in_model_has_a_row() -> None:
    assert sorted(rebuild_models.BUILDS) == find.built_in_names()


def test_a_second_training_starts_from_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(rebuild_models, "fcn", called.append)
    (tmp_path / "runs/quality-first").mkdir(parents=True)  # killed in the middle
    asked = argparse.Namespace(weights=tmp_path, output=tmp_path, epochs=None)
    rebuild_models.rebuild("quality", asked)
    whole, sampled, export_words = called
    assert whole[:4] == ["train", "aesthetics", "--recipe", "quality-whole"]
    assert whole[-1] == "--resume"
    assert sampled[:4] == ["train", "aesthetics", "--recipe", "quality"]
    first = str(tmp_path / "runs/quality-first")
    assert whole[whole.index("--output") + 1] == first
    assert sampled[sampled.index("--init") + 1] == first
    assert "--resume" not in sampled
    assert export_words[:3] == ["export", "--model", str(tmp_path / "runs/quality")]


def test_make_calls_it() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--directory", str(ROOT), "models", "WEIGHTS=w", "VOC=v"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rebuild_models --weights 'w' --voc 'v'" in done.stdout


@pytest.mark.slow
def test_a_model_is_rebuilt_from_drawn_files(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    voc = tmp_path / "VOCdevkit/VOC2012"
    drawn.write_voc(voc, train=2, val=3)
    weights = tmp_path / "weights"
    weights.mkdir()
    model = build(ModelSpec(name="fcn8s", backbone="mobilenet_v2"))
    file = weights / "deeplabv3_mnv2_pascal_quant.tflite"
    tflite_files.save_deeplab(file, tensors_of(model), per_channel=False)
    words = ["--weights", str(weights), "--voc", str(voc), "--epochs", "1"]
    words += ["--output", str(tmp_path / "out"), "--model", "voc21"]
    rebuild_models.main(words)
    seen, shipped = capfd.readouterr().out, find.card_of("voc21")
    assert "fcn train segmentation --recipe voc21 " in seen
    assert "voc21: tensors: " in seen
    assert f"shipped {shipped.network[:16]}" in seen
    card = find.card_of(str(tmp_path / "out/bundles/voc21"))
    assert (card.label, card.max_side) == (shipped.label, shipped.max_side)
    rebuild_models.main(words)
    assert "train segmentation --recipe" not in capfd.readouterr().out  # made already
