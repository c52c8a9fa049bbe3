"""Folders that vanish while a night is scored: a fault, before any part is made."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from pipelines import files
from pipelines.files import writing
from pipelines.score import masks
from tests.runs import score_runs
from tests.runs.score_runs import NIGHT

pytestmark = pytest.mark.usefixtures("warm_lanes")

FLAGS = ("--model", "voc21", "--chunk_size=2", "--lanes=1")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    score_runs.add_photos(folder, 4)
    return folder


def _check(ended: score_runs.Ended, out: Path) -> None:
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"fcn: {out}/masks/run_date={NIGHT}/00000001")
    assert "got nothing there, expected the files of the night to stay" in ended.stderr
    assert ended.stderr.endswith(f"run fcn check {out} --run_date {NIGHT} --mend\n")
    assert ended.stderr.count("\n") == 1
    assert not (out / "scores").exists()


@pytest.mark.parametrize("layout", ["png", "tar"])
def test_masks_that_vanished_before_the_first_chunk(
    photos: Path, tmp_path: Path, layout: str
) -> None:
    out, flags = tmp_path / "out", (*FLAGS, f"--masks={layout}")
    score_runs.leave_open(photos, out, *flags)
    shutil.rmtree(out / "masks")
    _check(score_runs.score(photos, out, *flags, "--json"), out)
    assert score_runs.part_count(out) == 0
    assert not (out / "masks").exists()


@pytest.mark.parametrize("durable", ["true", "false"])
def test_masks_that_vanish_between_their_writing_and_the_part(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: str
) -> None:
    """`rm -rf OUT/masks`, when the second chunk has all its masks."""
    out, total_bytes = tmp_path / "out", masks.total_bytes

    def vanishing(uri: str, paths: Iterable[str]) -> int:
        if any("/chunk-00000001/" in path for path in paths):
            shutil.rmtree(out / "masks", ignore_errors=True)
        return total_bytes(uri, paths)

    monkeypatch.setattr(masks, "total_bytes", vanishing)
    more = ("--json", f"--durable={durable}")
    _check(score_runs.score(photos, out, *FLAGS, *more), out)
    names = [path.name for path in score_runs.part_paths(out)]
    assert names == ["chunk-00000000.parquet"]


def test_masks_of_a_chunk_are_synced_at_once_and_before_its_part(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, synced, sync = tmp_path / "out", list[tuple[int, int]](), files.sync_store

    def noted(uri: str) -> None:
        assert uri.startswith(f"{out}/masks/")
        synced.append((len(score_runs.masks(out)), score_runs.part_count(out)))
        sync(uri)

    monkeypatch.setattr(writing, "sync_store", noted)
    score_runs.scored(photos, out, *FLAGS)
    assert [parts for _, parts in synced] == [0, 1]
    assert all(there >= 2 * (parts + 1) for there, parts in synced)
    scratch = tmp_path / "scratch"
    score_runs.scored(photos, scratch, *FLAGS, "--durable=false")
    assert len(synced) == 2
