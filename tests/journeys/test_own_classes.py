"""Own classes, end to end: a folder with a label map becomes a model that scores."""

import json
from pathlib import Path

import numpy as np
import pytest

from fcn_core.bundles.card import ModelCard
from fcn_core.datasets.pascal import drawn
from fcn_core.labels import VOC_CLASSES, VOID
from fcn_core.training.run_folder import RunFolder
from pipelines.score import layout
from tests.drawn import tiny_data
from tests.runs import score_runs
from tests.runs.convert_runs import convert

CLASSES = ["meadow", "pumpkin", "lorry"]
"""No name is a word of the page itself."""

_DRAWN = {VOC_CLASSES.index("cat"): 1, VOC_CLASSES.index("bus"): 2, VOID: VOID}
"""Orange ellipses are pumpkins, red boxes lorries."""


def draw(folder: Path, count: int) -> None:
    """Photos, masks of three classes, and a label map that names them."""
    pumpkin, lorry, _ = _DRAWN
    shown = [(pumpkin,), (lorry,), (pumpkin, lorry), (lorry, pumpkin)]
    for number in range(count):
        classes = shown[number % len(shown)]
        scene = drawn.draw_scene(number, height=64, width=80, classes=classes)
        labels = np.zeros_like(scene.class_map)
        for value, own in _DRAWN.items():
            labels[scene.class_map == value] = own
        for kind, name, content in (
            ("photos", f"trip{number}.jpg", tiny_data.jpeg(scene.pixels)),
            ("masks", f"trip{number}.png", tiny_data.png(labels)),
        ):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            (folder / kind / name).write_bytes(content)
    (folder / "label_map.json").write_text(json.dumps({"classes": CLASSES}))


@pytest.mark.slow
def test_own_classes_from_a_folder_to_the_legend(tmp_path: Path) -> None:
    draw(tmp_path, 12)
    data, run, bundle, out = (tmp_path / n for n in ("data", "run", "bundle", "out"))
    split = ["--split", "train:0.6", "val:0.4"]
    label_map = ["--label_map", str(tmp_path / "label_map.json")]
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    assert convert("folder", data, *split, *label_map, input=photos, targets=masks) == 0
    manual = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    words = "train segmentation --data data/mine --recipe voc21 --init voc21 {}--output"
    rate = "--learning_rate 3e-2 --freeze backbone"
    assert words.format(f"{rate} --epochs 20 ") in manual
    learn = ["train", "segmentation", "--recipe", "voc21", "--init", "voc21"]
    small = [*rate.split(), "--epochs", "10", "--batch_size", "2", "--threads", "1"]
    where = ["--data", str(data), "--output", str(run)]
    judge = ["--evaluation_split", "train", "--allow_leak"]
    learned = score_runs.fcn(*learn, *small, *where, *judge)
    assert learned.code == 0, learned.stderr
    record = RunFolder.open(run).record
    assert set(record.new_layers) == {"skip_stride8", "head_score"}
    assert record.settings.init.startswith("voc21")
    # All background is below 0.3; soft labels of a head of chance ended at 0.44.
    assert record.metrics["miou"] > 0.6
    made = score_runs.fcn("export", "--model", run, "--output", bundle, "--name", "own")
    assert made.code == 0, made.stderr
    assert ModelCard.read(bundle).classes == CLASSES
    score_runs.scored(photos, out, "--model", str(bundle))
    page = Path(layout.NightFolder(str(out), score_runs.NIGHT).page).read_text()
    legend = page[page.index('<ul class="legend">') :]
    for name in CLASSES:
        assert f"<span>{name}</span>" in legend[: legend.index("</ul>")]
