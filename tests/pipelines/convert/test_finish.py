"""How a data set ends: accounted for, refused, killed while it is published."""

import json
import resource
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fcn_core.datasets.pascal import drawn
from fcn_core.labels import VOC_CLASSES
from fcn_core.records.dataset_info import read_dataset_info
from pipelines.chunks.attempt import Attempt
from tests.drawn import tiny_data
from tests.runs.trees import everything
from tests.runs.voc_runs import TRAIN, planned, run


def test_the_folder_describes_itself(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(tree, out) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "COMPLETED",
        "dataset_info.json",
        "label_map.json",
        "rejected.parquet",
        "schema.pbtxt",
        "train-00000-of-00001.tfrecord",
        "val-00000-of-00001.tfrecord",
        "warnings.parquet",
    ]
    info = read_dataset_info(out)
    assert (info.dataset, info.task, info.void) == ("voc", "segmentation", 255)
    assert info.classes == list(VOC_CLASSES)
    assert info.splits["train"].published == 1464
    label_map = json.loads((out / "label_map.json").read_text())
    assert label_map["classes"]["15"] == "person" and label_map["void"] == 255
    assert 'name: "image/segmentation/class/encoded"' in (
        out / "schema.pbtxt"
    ).read_text(encoding="utf-8")
    table = pq.read_table(out / "rejected.parquet")
    assert table.schema.names[:5] == ["id", "path", "stage", "reason", "detail"]
    assert table.num_rows == 0


def test_a_kill_while_finishing_costs_nothing(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert run(tree, undisturbed) == 0
    worker = planned(tree, killed)
    list(worker.process(range(worker.conversion.plan.chunks), attempt))
    (staged,) = (killed / "_convert" / "shards").glob("shard-00000-*")
    staged.rename(killed / "train-00000-of-00001.tfrecord")
    assert run(tree, killed) == 0
    assert everything(killed) == everything(undisturbed)
    (killed / "_convert").mkdir()  # the last step did not happen
    assert run(tree, killed) == 0
    assert everything(killed) == everything(undisturbed)
    assert not (killed / "_convert").exists()


def test_a_staged_shard_that_is_lost_is_a_fault(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out)
    list(worker.process(range(worker.conversion.plan.chunks), attempt))
    for staged in (out / "_convert" / "shards").iterdir():
        staged.unlink()
    assert run(tree, out) == 1
    assert "neither there nor staged" in capsys.readouterr().err
    assert not (out / "COMPLETED").exists()


def test_too_many_rejections_complete_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=3, val=2)
    for number in (3, 4):
        tiny_data.damage(tree, f"2007_{number:06d}", "all-void")
    out = tmp_path / "out"
    assert run(tree, out) == 3
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("fcn")]
    assert "split val" in line and "--max_error_rate" in line
    assert not list(out.glob("*.tfrecord")) and not (out / "COMPLETED").exists()
    reasons = pq.read_table(out / "rejected.parquet")["reason"].to_pylist()
    assert reasons == ["all-void", "all-void"]
    assert run(tree, out, "--max_error_rate", "1") == 0
    assert read_dataset_info(out).splits["val"].records == 0


def test_splits_that_share_photos_are_refused(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn.write_list(tree, "val", ["2007_000001", "2007_000010"])
    out = tmp_path / "out"
    assert run(tree, out) == 2
    assert "train and val share 1 ids (2007_000001)" in capsys.readouterr().err
    assert run(tree, out, "--split", "train", "trainval") == 2
    assert not out.exists()
    assert run(tree, out, "--allow_leak") == 0
    splits = read_dataset_info(out).splits
    assert (splits["train"].records, splits["val"].records) == (TRAIN, 2)


def test_a_full_disk_is_one_line_and_no_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=12, val=4)
    whole, full = tmp_path / "whole", tmp_path / "full"
    assert run(tree, whole) == 0
    largest = max(path.stat().st_size for path in whole.glob("train-*.tfrecord"))
    capsys.readouterr()
    # No file may grow beyond this: what a full disk does, without filling one.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1000, before[1]))
    try:
        assert run(tree, full) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().err
    (line,) = [x for x in said.splitlines() if x.startswith("fcn")]
    assert "file too large" in line and "run the same command again" in line
    assert "Traceback" not in said
    assert not (full / "COMPLETED").exists() and not list(full.glob("*.tfrecord"))
    assert run(tree, full) == 0
    assert everything(full) == everything(whole)
