"""`fcn models import` and what `show` measures, through the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images, scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.files import load_weights
from fcn_core.scoring import speed
from pipelines.cli import models
from pipelines.cli.main import main
from tests.drawn import tiny_models, trained_files
from tests.drawn.tiny_networks import disturb


def result(capfd: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def refused(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    line = next(line for line in lines if line.startswith("fcn"))
    assert line == lines[-1] and "Traceback" not in line
    return line


def test_a_matconvnet_file_becomes_a_bundle_that_scores_like_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("scipy")
    source = trained_files.draw_fcn(
        "fcn16s", geometry="caffe", preprocessing="rgb", rgb_mean=trained_files.MEAN
    )
    path = tmp_path / "my net.mat"
    trained_files.write_mat(path, source, "fcn16s", "long")
    bundle = str(tmp_path / "bundle")
    imported = result(capfd, "models", "import", str(path), "--output", bundle)
    assert imported["layout"] == "matconvnet"
    assert imported["tensors"] == 38
    assert imported["label"] == "my-net@1"
    assert main(["models", "check", bundle]) == 0
    data = tiny_models.draw_photo(75, 101, kind="PNG")
    scorer = scoring.load_scorer(bundle, "openvino", "f32")
    mask = scoring.PhotoScorer([scorer]).score_photo(data).mask_png
    assert mask is not None
    found = images.decode_mask(mask)
    pixels = np.full((1, 128, 128, 3), scorer.card.padding_value, np.float32)
    pixels[0, :75, :101] = tiny_models.draw_pixels(75, 101)
    expected = np.asarray(source(pixels))[0, :75, :101].argmax(-1)
    assert (found == expected).mean() > 0.999
    assert len(np.unique(expected)) > 1


def test_a_nima_file_becomes_a_rating_model(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network = trained_files.nima_network()
    trained_files.write_nima(tmp_path / "nima.hdf5", network)
    bundle = tmp_path / "bundle"
    imported = result(
        capfd, "models", "import", str(tmp_path / "nima.hdf5"), "--output", str(bundle)
    )
    assert imported["model"] == "classifier on mobilenet"
    card = ModelCard.read(bundle)
    assert card.task == "aesthetics"
    assert card.rating_bins == [float(rating) for rating in range(1, 11)]
    pixels = tiny_models.draw_pixels(256, 256)
    scorer = scoring.load_scorer(str(bundle), "openvino", "f32")
    found = scorer.score(pixels[None], np.array([[256, 256]], np.int32))
    assert found["ratings"].sum() == pytest.approx(1, abs=1e-6)
    shown = result(capfd, "models", "show", str(bundle))
    assert shown["minimum_side"] == 1
    assert shown["logits_stride"] == 32
    assert shown["ms_per_megapixel"] > 0
    # Batch norm is folded; the rest is all there.
    kernels = sum(
        np.asarray(variable).size
        for layer in network.layers
        for variable in layer.weights
        if "kernel" in variable.name
    )
    assert kernels <= shown["parameters"] <= kernels * 1.1


def test_weights_alone_go_on_to_training(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trained_files.write_nima(tmp_path / "nima.hdf5", trained_files.nima_network())
    archive = str(tmp_path / "weights.npz")
    words = ["models", "import", str(tmp_path / "nima.hdf5"), "--output", archive]
    assert result(capfd, *words)["path"] == archive
    spec = ModelSpec(
        task="aesthetics",
        name="classifier",
        backbone="mobilenet",
        classes=10,
        width=0.25,
    )
    assert load_weights(build(spec), spec, archive).new == ()
    assert "exists, expected a new file" in refused(capfd, *words)


def test_a_backbone_alone_becomes_initial_weights(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import keras

    network = disturb(
        keras.applications.MobileNetV2(
            weights=None, include_top=False, input_shape=None
        )
    )
    path = tmp_path / "own.weights.h5"
    network.save_weights(path)
    archive = str(tmp_path / "weights.npz")
    words = ["models", "import", str(path), "--backbone", "mobilenet_v2", "--output"]
    assert result(capfd, *words, archive)["tensors"] == len(network.weights)
    spec = ModelSpec(name="fcn8s", backbone="mobilenet_v2")
    model = build(spec)
    report = load_weights(model, spec, archive)
    assert all(name.startswith(("head_", "skip_")) for name in report.new)
    assert np.array_equal(
        model.get_layer("block_3_project").kernel,
        network.get_layer("block_3_project").kernel,
    )
    assert "a backbone has no head" in refused(capfd, *words, str(tmp_path / "b"))
    words[4] = "vgg16"
    message = refused(capfd, *words, str(tmp_path / "vgg.npz"))
    assert "own.weights.h5: not a file of vgg16" in message
    words[4] = "mobilenet_v9"
    assert "expected one of vgg16" in refused(capfd, *words, archive)


def test_broken_files_are_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("scipy")
    output = ["--output", str(tmp_path / "b")]
    absent = str(tmp_path / "absent.mat")
    assert "expected a .mat" in refused(capfd, "models", "import", absent, *output)
    (tmp_path / "broken.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(300))
    broken = str(tmp_path / "broken.mat")
    assert "check the file" in refused(capfd, "models", "import", broken, *output)
    (tmp_path / "broken.hdf5").write_bytes(bytes(300))
    broken = str(tmp_path / "broken.hdf5")
    assert "not readable as HDF5" in refused(capfd, "models", "import", broken, *output)
    named = ["models", "import", broken, *output, "--name", "no name!"]
    assert "--name: got 'no name!', expected at most 64" in refused(capfd, *named)
    assert "expected nothing more" in refused(capfd, "models", "list", "voc21")
    assert not (tmp_path / "b").exists()


def test_lists_and_cards_are_for_people(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    facts = {"parameters": 1234567, "engine": "openvino", "ms_per_megapixel": 88.4}
    facts |= {"int8_ms_per_megapixel": None}
    monkeypatch.setattr(models, "_measured", lambda path: facts)
    assert main(["models", "list"]) == 0
    head, *rows = capfd.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == scoring.built_in_names()
    for row in rows:  # every cell stands under its head
        assert row[head.index("parameters") :].startswith("1,234,567")
        assert row[head.index("ms/megapixel") :].startswith("88 (openvino)")
    assert main(["models", "show", "quality"]) == 0
    shown = capfd.readouterr().out
    assert "\nrating_bins      1, 2, 3, 4, 5, 6, 7, 8, 9, 10\n" in shown
    assert "\ntraining         recipe: quality\n                 command: fcn" in shown


def test_facts_of_a_built_in_model_are_measured() -> None:
    facts = speed.measure(scoring.find_bundle("voc21"))
    assert 2.0e6 < (facts.parameters or 0) < 2.3e6
    assert facts.ms_per_megapixel > 0
