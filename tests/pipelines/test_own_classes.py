"""Own classes, end to end: a folder with a label map becomes a model that scores."""

import json
from pathlib import Path

import numpy as np
import pytest

from fcn_core.datasets import drawn
from fcn_core.model_card import ModelCard
from fcn_core.run_folder import RunFolder
from pipelines import results
from tests import tiny_data
from tests.pipelines import score_runs
from tests.pipelines.convert_runs import convert

CLASSES = ["ground", "road", "car"]


def draw(folder: Path, count: int) -> None:
    """Photos, masks of three classes, and a label map that names them."""
    for number in range(count):
        scene = drawn.draw_scene(number, height=64, width=80)
        labels = np.kron(
            np.random.default_rng(number).integers(0, 3, (4, 5)), np.ones((16, 16))
        ).astype(np.uint8)
        for kind, name, content in (
            ("photos", f"trip{number}.jpg", tiny_data.jpeg(scene.pixels)),
            ("masks", f"trip{number}.png", tiny_data.png(labels)),
        ):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            (folder / kind / name).write_bytes(content)
    (folder / "label_map.json").write_text(json.dumps({"classes": CLASSES}))


@pytest.mark.slow
def test_own_classes_from_a_folder_to_the_legend(tmp_path: Path) -> None:
    draw(tmp_path, 6)
    data, run, bundle, out = (tmp_path / n for n in ("data", "run", "bundle", "out"))
    split = ["--split", "train:0.6", "val:0.4"]
    label_map = ["--label_map", str(tmp_path / "label_map.json")]
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    assert convert("folder", data, *split, *label_map, input=photos, targets=masks) == 0
    learn: list[str | Path] = [
        "train",
        "segmentation",
        "--data",
        data,
        "--recipe",
        "voc21",
    ]
    small: list[str | Path] = ["--epochs", "1", "--batch_size", "2", "--output", run]
    assert score_runs.fcn(*learn, "--init", "voc21", *small).code == 0
    record = RunFolder.open(run).record
    assert set(record["new_layers"]) == {"skip_stride8", "head_score"}
    assert record["settings"]["init"].startswith("voc21")
    made = score_runs.fcn("export", "--model", run, "--output", bundle, "--name", "own")
    assert made.code == 0, made.stderr
    assert ModelCard.read(bundle).classes == CLASSES
    score_runs.scored(photos, out, "--model", str(bundle))
    page = Path(results.page_uri(str(out), score_runs.NIGHT)).read_text()
    assert any(name in page for name in CLASSES[1:])
