"""Photos whose last row failed, over many nights: as a dictionary of them tells."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.score import failures, parts, sequence, spill
from pipelines.score.failures import still_failed
from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.layout import NightFolder
from pipelines.score.photos import Photos
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import draft, publish_night, row_of


@pytest.fixture(params=[1 << 18, 5])
def bucket_keys(request: pytest.FixtureRequest, monkeypatch: Any) -> None:
    bits_for = spill.bits_for
    monkeypatch.setattr(
        failures, "bits_for", lambda count: bits_for(count, each=request.param)
    )


def listing(rows: dict[str, tuple[str, int | None]]) -> pa.Table:
    uris = sorted(rows)
    versions, offsets = zip(*(rows[uri] for uri in uris), strict=True)
    nulls = pa.nulls(len(uris), pa.int64())
    columns = [uris, list(versions), pa.array(offsets, pa.int64()), nulls]
    return pa.table(columns, schema=LISTING_SCHEMA)


def scored(
    out: Path, day: int, rows: dict[str, tuple[str, int | None]], failed: set[str]
) -> PlannedNight:
    """Plans a night and writes its parts; the named photos fail."""
    folder = NightFolder(str(out), f"2026-11-{day:02}")
    items = Photos([listing(rows)])
    plan, _ = sequence.freeze(folder, lambda _: draft(items))
    night = PlannedNight(str(out), plan)
    for chunk in range(plan.chunks):
        planned = night.items().chunk(chunk)
        drawn = [
            replace(
                row_of(night, item, int(item["image_uri"] not in failed)),
                mask_path=None,
            )
            for item in planned.to_pylist()
        ]
        assert parts.write_part(night, chunk, items=planned, rows=drawn, masks_bytes=0)
    return night


@pytest.mark.usefixtures("bucket_keys")
def test_the_last_row_of_a_photo_decides(tmp_path: Path) -> None:
    rng = random.Random(5)
    names = [f"/gone/{n:03}.jpg" for n in range(60)]
    names += [f"/gone/a.tfrecord#{n}" for n in range(20)]
    last = dict[str, tuple[str, int] | None]()
    for day in range(1, 7):
        some = rng.sample(names, 40)
        rows: dict[str, tuple[str, int | None]] = {
            uri: (f"{day}-1", day if "#" in uri else None) for uri in some
        }
        failed = set(rng.sample(some, 13 if day % 3 else 0))
        publish_night(scored(tmp_path, day, rows, failed))
        last |= {u: (rows[u][0], day) if u in failed else None for u in some}
    found = still_failed(str(tmp_path), sequence.read_all(str(tmp_path)))
    rows_found = [row for table in found.tables() for row in table.to_pylist()]
    expected = sorted((uri, kept) for uri, kept in last.items() if kept is not None)
    assert len(expected) > 10
    assert [
        (row["image_uri"], row["version"], row["offset"]) for row in rows_found
    ] == [
        # A file is taken in its version of now: it is gone. A record's stays.
        (uri, kept[0], kept[1]) if "#" in uri else (uri, "unknown", None)
        for uri, kept in expected
    ]


@pytest.mark.usefixtures("bucket_keys")
def test_what_an_open_night_holds_is_left_to_it(tmp_path: Path) -> None:
    rows: dict[str, tuple[str, int | None]] = {
        f"/gone/{n}.jpg": ("unknown", None) for n in range(10)
    }
    publish_night(scored(tmp_path, 1, rows, {"/gone/1.jpg", "/gone/2.jpg"}))
    scored(tmp_path, 2, {"/gone/2.jpg": ("unknown", None)}, set())
    found = still_failed(str(tmp_path), sequence.read_all(str(tmp_path)))
    (table,) = found.tables()
    assert table["image_uri"].to_pylist() == ["/gone/1.jpg"]


def test_where_nothing_failed_no_row_is_read(tmp_path: Path) -> None:
    rows: dict[str, tuple[str, int | None]] = {"/gone/1.jpg": ("1-1", None)}
    night = scored(tmp_path, 1, rows, set())
    publish_night(night)
    for path in (tmp_path / "_runs").rglob("*.parquet"):
        path.unlink()
    found = still_failed(str(tmp_path), sequence.read_all(str(tmp_path)))
    assert found.num_rows == 0
