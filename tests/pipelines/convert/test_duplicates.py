"""The same photo twice: a warning within a split, a rejection where it would leak."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fcn_core.datasets.pascal import drawn, voc
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import SegmentationRecord
from tests.drawn import tiny_data
from tests.runs.convert_runs import convert, records, rejected
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")


def copy_pair(tree: Path, source: str, target: str) -> None:
    for path_of in (voc.image_path, voc.label_path):
        shutil.copy(tree / path_of(source), tree / path_of(target))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tiny_data.voc_tree(tmp_path / "VOC2012", train=8, val=4)
    copy_pair(root, "2007_000001", "2007_000004")  # within train
    copy_pair(root, "2007_000001", "2007_000006")
    copy_pair(root, "2007_000009", "2007_000002")  # val's photo, in train too
    copy_pair(root, "2007_000010", "2007_000011")  # within val
    return root


@pytest.mark.parametrize("shards", [1, 5])
def test_copies_that_leak_are_rejected_and_others_are_warnings(
    tree: Path, tmp_path: Path, shards: int
) -> None:
    out = tmp_path / "out"
    assert convert("voc", out, input=tree, num_shards=shards) == 0
    assert rejected(out) == {"2007_000002": "duplicate-image"}
    assert rejected(out, "warnings") == dict.fromkeys(
        ("2007_000004", "2007_000006", "2007_000011"), "duplicate-image"
    )
    (row,) = pq.read_table(out / "rejected.parquet").to_pylist()
    assert row["split"] == "train"
    assert row["detail"] == "the same photo as 2007_000009 of val"
    train = records(SegmentationRecord, out, "train")
    assert sorted(train) == [f"2007_{n:06d}" for n in (0, 1, 3, 4, 5, 6, 7)]
    assert len(records(SegmentationRecord, out, "val")) == 4
    info = read_dataset_info(out)
    assert (info.splits["train"].read, info.splits["train"].records) == (8, 7)
    assert info.warnings == {"duplicate-image": 3}


def test_allowed_leaks_are_warnings(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert("voc", out, "--allow_leak", input=tree) == 0
    assert rejected(out) == {}
    assert len(rejected(out, "warnings")) == 4
    assert read_dataset_info(out).splits["train"].records == 8
    assert convert("voc", out, input=tree) == 2


def test_a_kill_while_copies_are_taken_out_costs_nothing(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert convert("voc", whole, input=tree, num_shards=2) == 0
    from pipelines.convert import publish

    class Killed(BaseException):
        pass

    moves = 0

    def dies_at_the_third(staged: str, target: str, part: object) -> None:
        nonlocal moves
        moves += 1
        if moves == 3:
            raise Killed
        show(staged, target, part)  # type: ignore[arg-type]

    show = publish._show
    monkeypatch.setattr(publish, "_show", dies_at_the_third)
    with pytest.raises(BaseException):  # noqa: B017 - however Beam wraps it
        convert("voc", killed, input=tree, num_shards=2)
    assert not (killed / "COMPLETED").exists() and list(killed.glob("*.tfrecord"))
    monkeypatch.undo()
    assert convert("voc", killed, input=tree, num_shards=2) == 0
    assert everything(killed) == everything(whole)


def test_a_split_of_copies_only_is_not_complete(tmp_path: Path) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=2, val=2)
    copy_pair(tree, "2007_000002", "2007_000000")
    copy_pair(tree, "2007_000003", "2007_000001")
    out = tmp_path / "out"
    assert convert("voc", out, input=tree) == 3
    assert set(rejected(out).values()) == {"duplicate-image"}
    assert not (out / "COMPLETED").exists()
    drawn.write_list(tree, "val", ["2007_000002"])
    other = tmp_path / "other"
    assert convert("voc", other, input=tree) == 0
