"""What `fcn diff` counts of two nights, against what was drawn."""

import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.diff.compare import compare
from pipelines.diff.difference import ClassChange, Difference
from pipelines.score import sorting
from tests.drawn.two_nights import AFTER, BEFORE, Row, failed, row, write


def diff(
    out: Path, before: list[Row], after: list[Row], photos: int = 3, **options: Any
) -> Difference:
    first = write(out, BEFORE, before)
    return compare(first, write(out, AFTER, after, **options), photos=photos)


def test_the_same_rows_differ_in_nothing(tmp_path: Path) -> None:
    rows = [row(1), failed(2), row(3)]
    found = diff(tmp_path, rows, rows)
    assert (found.both, found.replaced) == (3, 0)
    assert (found.only_before, found.only_after, found.dominant_changed) == (0, 0, 0)
    assert found.ratings["aesthetics"].shift.highest == 0
    assert (found.new_failures, found.mended) == ({}, {})
    assert found.pixels == {"background": 0, "cat": 0}
    assert all(photos == () for photos in found.examples.values())
    assert found.before.failures == found.after.failures == {"corrupt": 1}
    assert (found.before.planned, found.before.ok, found.before.failed) == (3, 2, 1)


def test_photos_are_joined_by_uri_and_version(tmp_path: Path) -> None:
    before = [row(1), row(2), row(4, version="1-1")]
    after = [row(2), row(3), row(4, version="2-2", aesthetics_mean=9.0), row(5)]
    found = diff(tmp_path, before, after)
    assert (found.both, found.replaced, found.only_before, found.only_after) == (
        1,
        1,
        1,
        2,
    )
    names = {kind: [e.image_uri for e in of] for kind, of in found.examples.items()}
    assert names["only_before"] == ["/photos/000001.jpg"]
    assert names["only_after"] == ["/photos/000003.jpg", "/photos/000005.jpg"]
    assert found.ratings["aesthetics"].shift.count == 1
    assert found.ratings["aesthetics"].shift.highest == 0


def test_scores_that_moved(tmp_path: Path) -> None:
    before = [row(n) for n in range(100)]
    after = [
        row(n, aesthetics_mean=5 + n / 100, technical_mean=4.5) for n in range(100)
    ]
    found = diff(tmp_path, before, after)
    moved = found.ratings["aesthetics"]
    assert moved.moved == 89  # 0.11 ... 0.99
    assert moved.shift.mean == pytest.approx(0.495, abs=1e-6)
    assert moved.shift.quantiles["0.5"] == pytest.approx(0.5, abs=0.011)
    assert moved.shift.quantiles["0.99"] == pytest.approx(0.98, abs=0.002)
    assert (moved.shift.lowest, moved.shift.highest) == (
        0,
        pytest.approx(0.99, abs=1e-6),
    )
    assert found.ratings["technical"].shift.quantiles["0.01"] == -0.5
    largest = [e.image_uri[8:14] for e in found.examples["aesthetics"]]
    assert largest == ["000099", "000098", "000097"]
    (first, second) = (e := found.examples["aesthetics"][0]).before, e.after
    assert first is not None and second is not None
    assert (first.aesthetics_mean, second.aesthetics_mean) == (5, pytest.approx(5.99))
    assert found.after.ratings["aesthetics"].quantiles["0.05"] == pytest.approx(
        5.05, abs=0.002
    )


def test_classes_are_compared_by_name(tmp_path: Path) -> None:
    """The second model has other ids: its 1 is a dog, its 2 a cat."""
    dog = {"segmentation_pixels": [50, 50]}
    before = [row(1), row(2), row(3, dominant_class=None)]
    after = [row(1, dominant_class=1, **dog), row(2, dominant_class=2), row(3)]
    found = diff(tmp_path, before, after, classes=("background", "dog", "cat"))
    assert found.dominant_changed == 1
    assert found.dominant == (ClassChange(before="cat", after="dog", photos=1),)
    assert found.before.pixels == {"background": 0.9, "cat": 0.1}
    # 50 and 10 and 10 of 300 pixels, where there were 30 of a cat.
    assert found.pixels == pytest.approx(
        {"dog": 0.233333, "background": -0.133333, "cat": -0.1}, abs=2e-6
    )
    assert list(found.pixels) == ["dog", "background", "cat"]
    (example,) = found.examples["dominant"]
    assert example.before is not None and example.before.dominant_class == "cat"


def test_failures_that_are_new_and_those_that_are_gone(tmp_path: Path) -> None:
    before = [row(1), row(2), failed(3, "timeout"), failed(4, "empty")]
    after = [failed(1, "corrupt"), failed(2, "timeout"), row(3), failed(4, "corrupt")]
    found = diff(tmp_path, before, after)
    assert found.new_failures == {"corrupt": 1, "timeout": 1}
    assert found.mended == {"timeout": 1}
    assert [e.after.reason for e in found.examples["new_failures"] if e.after] == [
        "corrupt",
        "timeout",
    ]
    assert found.ratings == {}


def test_a_night_that_only_rated_or_had_nothing(tmp_path: Path) -> None:
    plain = {"segmentation_classes": None, "segmentation_pixels": None}
    rated = [row(n, dominant_class=None, **plain) for n in range(3)]
    found = diff(tmp_path, rated, [])
    assert (found.both, found.only_before, found.pixels) == (0, 3, {})
    assert found.after.planned == 0


def test_many_rows_in_any_order_spill_and_count_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB joins the same tables; the sort spills every 500 rows."""
    monkeypatch.setattr(sorting, "_RUN_ROWS", 500)
    monkeypatch.setattr(sorting, "_BATCHES", 4)
    draw = random.Random(5)
    before = [_drawn(n, draw) for n in range(0, 3000)]
    after = [_drawn(n, draw) for n in range(1000, 4000)]
    draw.shuffle(before)
    found = diff(tmp_path, before, after)
    tables = [
        f"read_parquet('{tmp_path}/scores/run_date={n}/*.parquet')"
        for n in (BEFORE, AFTER)
    ]
    both, dominant, new, mean, moved = duckdb.execute(_SQL.format(*tables)).fetchall()[
        0
    ]
    assert (found.both, found.dominant_changed) == (both, dominant)
    assert both == 2000 and dominant > 500
    assert sum(found.new_failures.values()) == new
    assert found.ratings["aesthetics"].moved == moved
    assert found.ratings["aesthetics"].shift.mean == pytest.approx(mean, abs=1e-5)
    assert (found.only_before, found.only_after) == (1000, 1000)


_SQL = """
    SELECT count(*),
      count(*) FILTER (ok AND before.dominant_class <> after.dominant_class),
      count(*) FILTER (before.status = 'ok' AND after.status = 'failed'),
      avg(shift) FILTER (ok),
      count(*) FILTER (ok AND abs(shift) > 0.1)
    FROM (
      SELECT before, after, before.status = 'ok' AND after.status = 'ok' AS ok,
        after.aesthetics_mean::DOUBLE - before.aesthetics_mean::DOUBLE AS shift
      FROM {} before JOIN {} after USING (image_uri, version)
    )
"""


def _drawn(number: int, draw: random.Random) -> Row:
    if draw.random() < 0.1:
        return failed(number)
    return row(
        number, dominant_class=draw.choice((1, 2)), aesthetics_mean=draw.uniform(1, 10)
    )
