"""A sample is the same each time; its pace is that of the lanes, its start apart."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from pipelines.estimate import measuring
from pipelines.estimate.counting import Count, Found
from pipelines.lanes.settings import LaneSettings
from pipelines.score import inputs
from pipelines.score.photos import Chosen
from tests.runs.score_runs import add_photos


def _found(folder: Path, *, without: int = 0) -> Found:
    photos = inputs.list_photos(str(folder), output="/dev/null").photos
    chosen = np.ones(photos.num_rows, np.bool_)
    chosen[:without] = False
    size = photos.num_rows
    count = Count(listed=size, photos=size, skipped=0, waiting=0, chunks=1)
    return Found(count, Chosen(photos, chosen), str(folder))


def _names(sample: list[measuring.Item]) -> list[str]:
    return [item["image_uri"].rpartition("/")[2] for item in sample]


def test_a_sample_is_seeded_and_of_the_chosen_photos(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number:03}.jpg").write_bytes(b"x")
    sample = measuring.draw(_found(tmp_path, without=40), 32)
    assert _names(sample) == _names(measuring.draw(_found(tmp_path, without=40), 32))
    assert len(set(_names(sample))) == 32
    assert min(_names(sample)) >= "040.jpg"
    assert sorted(_names(sample)) != _names(sample)
    spread = [int(name[:3]) for name in _names(sample)]
    assert max(spread) - min(spread) > 30  # of all of them, not the first


def test_all_photos_where_they_are_few(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(b"x")
    sample = measuring.draw(_found(tmp_path), 32)
    assert sorted(_names(sample)) == ["a.jpg", "b.jpg", "c.jpg"]


def test_the_pace_is_that_of_the_lanes_without_their_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn answers: two lanes of 8 photos/s together, the first pass 3 s late."""
    passes = measuring._Passes([{}] * 8, None)
    passes.moments = [100.0 + 3 + (n + 1) / 8 for n in range(24)]
    passes.moments[-1] += 5  # the last lane alone
    counts = measuring.Counts(ok=21, failed=3, computed=24)
    pace = measuring._pace(passes, counts, start=100.0, lanes=2)
    assert pace.images_per_second == pytest.approx(8.0)
    assert pace.start_seconds == pytest.approx(3.0)
    assert (pace.photos, pace.passes, pace.failed) == (8, 3, 1)


def test_lanes_are_measured_as_fast_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "_STEADY_SECONDS", 0.6)
    add_photos(tmp_path, 6, side=16)
    (tmp_path / "bad.jpg").write_bytes(b"bad")
    (tmp_path / "gone.jpg").write_bytes(b"x")
    sample = measuring.draw(_found(tmp_path), 32)
    (tmp_path / "gone.jpg").unlink()
    task, config = "tests.doubles.paced_lane:Paced", {"seconds": 0.05, "first": 0.5}
    lanes = LaneSettings(task=task, config=config, lanes=2)
    pace = measuring.measure(sample, lanes, root=str(tmp_path), source=str(tmp_path))
    assert (pace.photos, pace.failed, pace.lanes) == (8, 2, 2)
    assert pace.passes >= 3
    assert pace.start_seconds >= 0.5
    # 2 lanes of 20 photos/s, and one photo of 8 that is gone takes no time: 45.7.
    assert 15 < pace.images_per_second < 48


def test_passes_end_when_the_pace_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = measuring._Passes([{}] * 4, None)
    numbers = passes.numbers()
    assert [next(numbers), next(numbers), next(numbers)] == [0, 1, 2]
    passes.moments = [float(n) for n in range(13)]  # the fourth came at 3, now is 12
    assert next(numbers, None) is None
    monkeypatch.setattr(measuring, "_MOST_PASSES", 5)
    assert list(itertools.islice(measuring._Passes([{}], None).numbers(), 9)) == [
        *range(5)
    ]
