"""Data sets, figures and configurations in gs://: the same as on a disk."""

import json
from pathlib import Path

import pytest

from tests.doubles.gcs import Bucket
from tests.drawn import tiny_data
from tests.runs import score_runs
from tests.runs.convert_runs import convert
from tests.runs.score_runs import fcn

pytestmark = pytest.mark.usefixtures("warm_lanes")

SPENT = {"seconds", "images_per_second", "command"}


@pytest.fixture
def data(bucket: Bucket, tmp_path: Path) -> Path:
    """A data set on the disk; the same one is in the bucket."""
    tiny_data.voc_tree(tmp_path / "voc", train=5, val=3)
    assert convert("voc", tmp_path / "data", input=tmp_path / "voc") == 0
    bucket.put_tree(tmp_path / "data", "data")
    return tmp_path / "data"


def figures(text: bytes | str) -> dict[str, object]:
    return {k: v for k, v in json.loads(text).items() if k not in SPENT}


def test_evaluate(bucket: Bucket, data: Path, tmp_path: Path) -> None:
    for where, output in (
        (str(data), str(tmp_path / "f.json")),
        (bucket.uri("data"), bucket.uri("eval/f.json")),
    ):
        ended = fcn(
            *("evaluate", "--model", "voc21", "--data", where, "--split", "val"),
            *("--output", output, "--chunk_size", "2", "--json"),
        )
        assert ended.code == 0, ended.stderr
    there = bucket.tree("eval")
    assert set(there) == {"f.json", "f.html", "f.photos.parquet"}
    assert figures(there["f.json"]) == figures((tmp_path / "f.json").read_text())
    photos = (tmp_path / "f.photos.parquet").read_bytes()
    assert there["f.photos.parquet"] == photos


def test_stats(bucket: Bucket, data: Path, tmp_path: Path) -> None:
    here = fcn("stats", data, "--output", tmp_path / "s.json", "--json")
    assert here.code == 0, here.stderr
    there = fcn("stats", bucket.uri("data"), "--json")
    assert there.code == 0, there.stderr
    local, remote = json.loads(here.stdout), json.loads(there.stdout)
    assert local["total"] == remote["total"]
    assert "statistics.json" in bucket.tree("data")
    assert b"<html" in bucket.get("data/statistics.html")


def test_a_data_set_that_is_not_there(bucket: Bucket, tmp_path: Path) -> None:
    none, output = bucket.uri("none"), str(tmp_path / "out.json")
    for words in (
        f"stats {none}",
        f"evaluate --model voc21 --data {none} --split val --output {output}",
        f"train --data {none} --recipe voc_fcn8s_mobilenetv2 --output {output}",
    ):
        ended = fcn(*words.split())
        assert ended.code == 2, ended
        assert "got nothing there" in ended.stderr and ended.stderr.count("\n") == 1


def test_training_refuses_an_output_elsewhere(bucket: Bucket, data: Path) -> None:
    ended = fcn(
        *("train", "--data", data, "--recipe", "voc_fcn8s_mobilenetv2"),
        *("--output", bucket.uri("run")),
    )
    assert ended.code == 2
    assert "gs:// location, expected a local path" in ended.stderr


def test_a_config_in_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    score_runs.add_photos(tmp_path / "photos", 2)
    bucket.put("night.yaml", f"input: {tmp_path}/photos\nmasks: none\n".encode())
    for words in (
        ["--config", bucket.uri("night.yaml")],
        [f"--config={bucket.uri('night.yaml')}"],
    ):
        ended = fcn("score", "--output", tmp_path / "out", "--json", *words)
        assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout)["skipped"] == 2
    assert not (tmp_path / "out" / "masks").exists()
    missing = fcn("score", "--output", tmp_path / "o", "--config", bucket.uri("no.yml"))
    assert missing.code == 2 and "expected a YAML file" in missing.stderr


def test_nothing_is_read_from_an_unknown_store(tmp_path: Path) -> None:
    for words in (
        ["score", "--input", "s3://b/x", "--output", str(tmp_path)],
        ["score", "--input", str(tmp_path), "--output", "https://b/x"],
        ["stats", "hdfs://x/data"],
        ["score", "--config", "s3://b/x.yaml"],
    ):
        ended = fcn(*words)
        assert ended.code == 2
        assert "expected a local path or gs://" in ended.stderr, ended.stderr
