"""What a conversion is asked to do: splits that make sense, or one line."""

from pathlib import Path

import pytest

from fcn_core.datasets.pascal import drawn
from fcn_core.records.dataset_info import DatasetError, read_dataset_info
from pipelines.cli import main
from tests.runs.convert_runs import TRAIN, VAL, convert_voc


def test_splits_that_share_photos_are_refused(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn.write_list(tree, "val", ["2007_000001", "2007_000010"])
    out = tmp_path / "out"
    assert convert_voc(tree, out) == 2
    assert "train and val share 1 ids (2007_000001)" in capsys.readouterr().err
    assert convert_voc(tree, out, "--split", "train", "trainval") == 2
    assert not out.exists()
    assert convert_voc(tree, out, "--allow_leak") == 0
    splits = read_dataset_info(out).splits
    assert (splits["train"].records, splits["val"].records) == (TRAIN, 2)


def test_trainval_holds_both(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert_voc(tree, out, "--split", "trainval") == 0
    info = read_dataset_info(out)
    assert info.splits["trainval"].records == TRAIN + VAL
    with pytest.raises(DatasetError, match="expected one of"):
        info.shard_paths(out, "train")


_FROM_TREE = ["convert", "voc", "--input", "{tree}", "--output", "x"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["convert"], "expected voc, sbd, ava, folder"),
        (["convert", "sbdd"], "got sbdd"),
        (["convert", "voc", "--output", "x"], "--input is missing"),
        (["convert", "voc", "--input", "nowhere", "--output", "x"], "VOCtrainval"),
        (["convert", "voc", "--input", "{empty}", "--output", "x"], "is empty"),
        ([*_FROM_TREE, "--split", "test"], "test.txt"),
        ([*_FROM_TREE, "--split", "../a"], "expected names of lists"),
        ([*_FROM_TREE, "--num_shards", "0"], "--num_shards"),
        ([*_FROM_TREE, "--nmu_shards", "2"], "--num_shards"),
        ([*_FROM_TREE[:-1], "{strange}"], "another program's records"),
    ],
)
def test_usage_errors_are_one_line(
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    strange, empty = tmp_path / "strange", tmp_path / "empty"
    strange.mkdir()
    (strange / "train-00000-of-00004.tfrecord").touch()
    drawn.write_list(empty, "train", [], final_newline=False)
    monkeypatch.chdir(tmp_path)
    folders = {"tree": tree, "strange": strange, "empty": empty}
    assert main.main([word.format(**folders) for word in words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
