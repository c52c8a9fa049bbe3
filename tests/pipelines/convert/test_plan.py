"""What is planned stays: the same settings go on, others are named."""

from pathlib import Path

import pytest

from fcn_core.datasets.pascal import drawn, voc
from fcn_core.records.dataset_info import DatasetError, read_dataset_info
from pipelines.chunks.attempt import Attempt
from pipelines.cli import main
from pipelines.convert.plan import read_plan
from pipelines.faults import SystemicFault
from tests.drawn import tiny_data
from tests.runs.convert_runs import TRAIN, VAL, convert_voc, planned
from tests.runs.trees import everything


def test_again_with_the_same_settings_nothing_is_done(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert convert_voc(tree, out) == 0
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    (tree / voc.image_path("2007_000000")).unlink()  # nobody looks any more
    words = ["convert", "voc", "--input", str(tree), "--output", str(out)]
    assert main.main(words) == 0
    assert "already complete" in capsys.readouterr().out
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--num_shards", "2"), "--num_shards"),
        (("--split", "train"), "--split"),
    ],
)
def test_again_with_other_settings_the_difference_is_named(
    tree: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    named: str,
) -> None:
    out = tmp_path / "out"
    assert convert_voc(tree, out) == 0
    before = everything(out)
    capsys.readouterr()
    assert convert_voc(tree, out, *flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line and "got" in line and "expected" in line
    assert everything(out) == before


def test_other_input_is_other_settings(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert convert_voc(tree, out) == 0
    other = tiny_data.voc_tree(tmp_path / "other", train=TRAIN, val=VAL)
    assert convert_voc(other, out) == 2
    assert "--input: got" in capsys.readouterr().err
    drawn.write_list(tree, "val", ["2007_000010"])
    assert convert_voc(tree, out) == 2
    assert "lists" in capsys.readouterr().err


def test_an_unfinished_output_knows_its_settings(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out, num_shards=3)
    assert sum(counts.ok for counts in worker.process(range(2), attempt)) > 0
    with pytest.raises(DatasetError, match="goes on where it stopped"):
        read_dataset_info(out)
    assert convert_voc(tree, out, "--num_shards", "4") == 2
    assert convert_voc(tree, out, "--num_shards", "3") == 0


def test_more_shards_than_ids(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert_voc(tree, out, "--split", "val", "--num_shards", "20") == 0
    split = read_dataset_info(out).splits["val"]
    assert (split.shards, split.records) == (20, VAL)
    assert len(list(out.glob("val-*-of-00020.tfrecord"))) == 20


def test_an_output_that_cannot_be_written_is_one_line(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert convert_voc(tree, tmp_path / "file" / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "can be written" in line


def test_a_full_plan_survives_its_own_folder_only(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out)
    plan = out / "_convert" / "plan.json"
    folder = worker.conversion.folder
    assert read_plan(folder) == worker.conversion.plan
    plan.write_text(plan.read_text().replace('"planned": 13', '"planned": 12'))
    with pytest.raises(SystemicFault, match="damaged plan"):
        read_plan(folder)
