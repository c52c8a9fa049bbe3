"""Figures are published once or not at all."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fcn_core import images
from fcn_core.records.record import SegmentationRecord
from pipelines.faults import AboveThreshold
from tests.runs import score_runs
from tests.runs.evaluate_runs import plan, run, write

pytestmark = pytest.mark.usefixtures("warm_lanes")


def test_commands_publish_once_and_refuse_another_evaluation(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    data, output = write(tmp_path / "a", records[:3]), tmp_path / "out.json"
    words: list[str | Path] = [
        "evaluate",
        "--model",
        bundle,
        "--data",
        data,
        "--split",
        "val",
    ]
    words += ["--output", output, "--lanes", "1", "--precision", "f32"]
    ended = score_runs.fcn(*words)
    assert ended.code == 0, ended.stderr
    assert "aeroplane" in ended.stdout
    assert "3 planned = 3 evaluated + 0 failed" in ended.stdout
    figures = json.loads(output.read_text())
    page = (tmp_path / "out.html").read_text()
    assert page.count("<figure>") == 9
    assert "http" not in page.replace("http-equiv", "")
    assert pq.read_table(tmp_path / "out.photos.parquet").num_rows == 3
    assert sorted(path.name for path in tmp_path.glob("out*")) == [
        "out.html",
        "out.json",
        "out.photos.parquet",
    ]
    again = score_runs.fcn(*words, "--json")
    assert again.code == 0
    assert json.loads(again.stdout) == figures
    other = score_runs.fcn(*words, "--max_side", "64")
    assert other.code == 2
    assert "max_side: got 64, expected null" in other.stderr


def test_nothing_usable_is_not_published(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    small = images.encode_grey(np.zeros((3, 4), np.uint8))
    bad = [dataclasses.replace(record, label=small) for record in records[:2]]
    evaluation = plan(bundle, write(tmp_path / "a", bad), tmp_path / "out.json")
    with pytest.raises(AboveThreshold, match=r"none of 2 succeeded \(corrupt 2\)"):
        run(evaluation)
    assert not (tmp_path / "out.json").exists()
