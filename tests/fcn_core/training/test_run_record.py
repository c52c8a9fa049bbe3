"""`run.json` as it is written and read: the same keys, in order, and nothing else."""

import json
import math
from pathlib import Path

import pytest

from fcn_core.training.run_folder import RunError, RunFolder
from fcn_core.training.run_record import RunRecord
from tests.drawn.tiny_runs import draw_record


def test_a_new_run_s_file_has_what_is_known(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", draw_record(init="imagenet"))
    written = json.loads((run.folder / "run.json").read_text())
    assert list(written)[:7] == [
        *("settings", "epochs_done", "seconds", "new_layers"),
        *("about", "origin", "config"),
    ]
    assert written["epochs_done"] == 0
    assert list(written["settings"]) == [
        *("recipe", "numbers", "init", "model", "seed", "holdout", "train_split"),
        *("validation_split", "data", "data_fingerprint", "classes"),
    ]
    assert written["settings"]["validation_split"] is None
    assert set(written["origin"]) == {"words", "licence"}
    assert written["config"]["data"] == "/somewhere/data"
    assert "epochs" not in written["config"]
    assert {"chosen_epoch", "metrics", "versions"} & set(written) == set()


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", draw_record())
    run.note_session(versions={"keras": "3.1"}, device="CPU")
    run.note(epochs_done=2, seconds=1.5, examples=8)
    run.note(
        chosen_epoch=1,
        metrics={"miou": 0.25, "iou_cat": math.nan},
        evaluation={"split": None, "images": 0},
    )
    again = RunFolder.open(run.folder).record
    assert math.isnan(again.metrics.pop("iou_cat"))
    run.record.metrics.pop("iou_cat")
    assert again == run.record
    assert again.evaluation.split is None
    text = again.to_json()
    assert RunRecord.from_json(text).to_json() == text


def test_a_file_that_is_no_record_is_refused_in_one_line(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", draw_record())
    path = run.folder / "run.json"
    content = json.loads(path.read_text())
    for text in ("{", "{}", json.dumps(content | {"mood": "good"})):
        path.write_text(text)
        with pytest.raises(RunError, match=r"run\.json: got no record") as refused:
            RunFolder.open(run.folder)
        assert "\n" not in str(refused.value)


def test_the_first_setting_that_differs_is_named() -> None:
    ours, other = (draw_record().settings for _ in range(2))
    assert ours.differences(other) == {}
    other.numbers["crop"] = [32, 32]
    other.seed = 4
    assert ours.differences(other) == {
        "numbers.crop": (None, [32, 32]),
        "seed": (3, 4),
    }
