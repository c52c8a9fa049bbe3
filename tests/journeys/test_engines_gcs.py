"""A night whose workers are another process and whose files are in gs://."""

import contextlib
from pathlib import Path

import pytest

from tests.doubles.gcs import Bucket
from tests.runs import engine_runs, score_runs

ARITHMETIC = ("--engine", "openvino", "--precision", "f32", "--chunk_size", "4")


def night(bucket: Bucket, out: str) -> dict[str, bytes]:
    """Returns the tree of a night without what says how long it took."""
    report = "report/run_date=2026-11-20/"
    tree = bucket.tree(out)
    assert f"{report}index.html" in tree
    return {name: d for name, d in tree.items() if not name.startswith(report)}


def test_the_bytes_are_those_of_the_local_engine(
    bucket: Bucket,
    segmentation_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FCN_CACHE", str(tmp_path / "cache"))
    score_runs.add_photos(tmp_path / "photos", 11)
    bucket.put_tree(tmp_path / "photos", "photos")
    bucket.put_tree(segmentation_bundle, "models/seg")
    words = [*ARITHMETIC, "--model", bucket.uri("models/seg")]
    photos = bucket.uri("photos")
    here = score_runs.score(photos, bucket.uri("here"), *words)
    assert here.code == 0, here.stderr
    with contextlib.closing(engine_runs.start_pool(tmp_path / "log")) as pool:
        flags = engine_runs.flags(pool)
        there = score_runs.score(photos, bucket.uri("there"), *words, *flags)
        assert there.code == 0, there.stderr + (tmp_path / "log").read_text()
        assert "Starting worker" in (tmp_path / "log").read_text()
    assert night(bucket, "here") == night(bucket, "there")
