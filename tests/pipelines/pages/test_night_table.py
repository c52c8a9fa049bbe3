"""One pass over a night's table: sums equal direct counting, samples are even."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.pages import night_table
from pipelines.pages.figures import FINE_BINS
from pipelines.pages.night_table import NightTable
from pipelines.score.rows import SCORES_SCHEMA

SCALES: night_table.Scales = {"aesthetics": (1, 10), "technical": (1, 10)}


def make_row(number: int, **columns: Any) -> dict[str, Any]:
    digits = hashlib.sha256(str(number).encode()).hexdigest()[:20]
    return {
        "image_key": f"p{number}-{digits}",
        "image_uri": f"/photos/p{number}.jpg",
        "version": "1-1",
        "status": "ok",
        "models": "quality@1",
        "fingerprint": "f",
        "decode_policy": 1,
        **columns,
    }


def read(
    folder: Path,
    rows: list[dict[str, Any]],
    *,
    tables: int = 1,
    sample_size: int = 200,
    batch_rows: int | None = None,
) -> NightTable:
    batches = []
    for number in range(tables):
        path = folder / f"{tables}-{number}.parquet"
        table = pa.Table.from_pylist(rows[number::tables], SCORES_SCHEMA)
        pq.write_table(table, path)
        batches += pq.read_table(path, partitioning=None).to_batches(batch_rows)
    return night_table.read(batches, scales=SCALES, sample_size=sample_size)


def test_scores_are_those_of_the_rows(tmp_path: Path) -> None:
    means = np.random.default_rng(0).uniform(1, 10, 500).astype(np.float32)
    means[:4] = (1, 10, 5.2, 5.25)
    rows = [make_row(i, aesthetics_mean=float(mean)) for i, mean in enumerate(means)]
    rows.append(make_row(500, status="failed", error_reason="corrupt"))
    scores = read(tmp_path, rows).scores["aesthetics"]
    edges = np.linspace(1, 10, FINE_BINS + 1) - 4e-6
    edges[-1] += 1
    np.testing.assert_array_equal(scores.counts, np.histogram(means, edges)[0])
    assert scores.counts.sum() == 500
    assert (scores.lowest, scores.highest) == (1, 10)
    assert scores.mean == pytest.approx(means.mean(dtype=np.float64))


def test_areas_are_those_of_all_pixels(tmp_path: Path) -> None:
    pixels = [{0: 900, 8: 100}, {0: 500, 15: 496, 8: 4}, {15: 3000}]
    rows = [
        make_row(
            i,
            segmentation_classes=list(counts),
            segmentation_pixels=list(counts.values()),
            dominant_class=15,
        )
        for i, counts in enumerate(pixels)
    ]
    rows.insert(1, make_row(9, status="failed", error_reason="corrupt"))
    areas = {area.class_id: area for area in read(tmp_path, rows).areas}
    assert list(areas) == [15, 0, 8]
    assert areas[15].share == pytest.approx(3496 / 5000)
    assert areas[8].share == pytest.approx(104 / 5000)
    # Four of a thousand pixels are not a cat.
    assert [areas[i].photos for i in (15, 0, 8)] == [2, 2, 1]


def test_sample_is_even_over_the_scores(tmp_path: Path) -> None:
    rows = [make_row(i, aesthetics_mean=5.1) for i in range(300)]
    rows += [make_row(300 + i, aesthetics_mean=7.3) for i in range(100)]
    rows += [make_row(400 + i, aesthetics_mean=1.5) for i in range(3)]
    sample = read(tmp_path, rows, sample_size=50).sample
    means = np.array([row.aesthetics_mean for row in sample])
    assert len(sample) == 50
    assert (means < 2).sum() == 3, "every rare photo is shown"
    assert abs(int((means > 7).sum()) - int((abs(means - 5.1) < 0.1).sum())) <= 1
    assert list(means) == sorted(means, reverse=True)


def test_sample_depends_on_no_order_and_no_file(tmp_path: Path) -> None:
    means = np.random.default_rng(1).normal(5, 1, 400)
    rows = [make_row(i, aesthetics_mean=float(mean)) for i, mean in enumerate(means)]
    expected = read(tmp_path, rows, sample_size=60).sample
    cut: dict[str, int] = {"tables": 3, "batch_rows": 17}
    assert read(tmp_path, rows[::-1], sample_size=60, **cut).sample == expected
    assert len(expected) == 60


def test_without_scores_the_sample_is_even_over_the_classes(tmp_path: Path) -> None:
    rows = [
        make_row(
            i,
            segmentation_classes=[0, 15 if i else 3],
            segmentation_pixels=[5, 5],
            dominant_class=15 if i else 3,
        )
        for i in range(90)
    ]
    table = read(tmp_path, rows, sample_size=10)
    assert table.scores == {}
    assert sorted(row.dominant_class or 0 for row in table.sample) == [3] + [15] * 9


def test_failures_are_counted_all_and_shown_in_part(tmp_path: Path) -> None:
    rows = [
        make_row(i, status="failed", error_reason="corrupt", error_detail=str(i))
        for i in range(100)
    ]
    rows.append(make_row(100, status="failed", error_reason="empty"))
    table = read(tmp_path, rows)
    assert table.failed == {"corrupt": 100, "empty": 1}
    assert [row.error_reason for row in table.failures] == ["corrupt"] * 25 + ["empty"]
    assert table.failures[0].error_detail == "0"
    assert (table.scores, table.areas, table.sample) == ({}, (), ())


def test_each_kind_of_score_is_counted(tmp_path: Path) -> None:
    rows = [make_row(i, aesthetics_mean=5.0, technical_mean=2.0 + i) for i in range(4)]
    table = read(tmp_path, rows)
    assert list(table.scores) == ["aesthetics", "technical"]
    assert table.scores["technical"].mean == 3.5
    only = [make_row(i, technical_mean=2.0 + i) for i in range(4)]
    assert list(read(tmp_path, only).scores) == ["technical"]


def test_the_first_kind_of_score_decides_what_is_shown(tmp_path: Path) -> None:
    rows = [
        make_row(i, aesthetics_mean=float(1 + i % 9), technical_mean=float(9 - i % 9))
        for i in range(90)
    ]
    shown = read(tmp_path, rows, sample_size=9).sample
    assert [row.aesthetics_mean for row in shown] == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_no_table_and_no_rows(tmp_path: Path) -> None:
    for table in (read(tmp_path, []), read(tmp_path, [], tables=0)):
        assert (table.scores, table.areas, table.sample) == ({}, (), ())
        assert table.failed == {}


def test_a_score_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    rows = [
        make_row(0, aesthetics_mean=float("nan")),
        make_row(1, aesthetics_mean=4.0),
    ]
    table = read(tmp_path, rows)
    assert table.scores["aesthetics"].counts.sum() == 1
    assert table.sample[0].aesthetics_mean == 4.0
    assert len(table.sample) == 2
