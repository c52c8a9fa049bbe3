"""What is pending, as sets of keys: the same as with sets of Python."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.faults import UsageError
from pipelines.score import parts, pending, sequence, spill
from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.layout import NightFolder
from pipelines.score.pending import Pending, check_rescoring, find_pending
from pipelines.score.photos import Photos
from pipelines.score.plan import Plan, PlannedNight
from tests.drawn.night_plans import (
    draft,
    draw_night,
    freeze,
    photos,
    plan_night,
    publish_night,
    rows_of,
)

SAME = "f" * 64


@pytest.fixture(params=[1 << 18, 7])
def bucket_keys(request: pytest.FixtureRequest, monkeypatch: Any) -> None:
    """Buckets for millions, and for a handful: then there are many of them."""
    bits_for = spill.bits_for
    monkeypatch.setattr(
        pending, "bits_for", lambda count: bits_for(count, each=request.param)
    )


def uris(found: Pending) -> list[str]:
    tables = [photos(), *found.items.tables()]
    return pa.concat_tables(tables)["image_uri"].to_pylist()


def find(out: Path, listed: pa.Table, **options: Any) -> Pending:
    earlier = sequence.read_all(str(out))
    options = {"earlier": earlier, "fingerprint": SAME} | options
    return find_pending(str(out), Photos([listed]), **options)


@pytest.mark.usefixtures("bucket_keys")
def test_new_photos_are_pending_others_skipped(tmp_path: Path) -> None:
    rng = random.Random(3)
    held = [set(rng.sample(range(600), 150)) for _ in range(3)]
    taken = set[int]()
    for day, numbers in enumerate(held):
        freeze(tmp_path, photos(*(numbers - taken)), night=f"2026-11-0{day + 1}")
        taken |= numbers
    listed = set(rng.sample(range(700), 400))
    found = find(tmp_path, photos(*listed))
    new = sorted(listed - taken)
    assert uris(found) == [f"/photos/{n:06}.jpg" for n in new]
    assert (found.skipped, found.waiting) == (len(listed & taken), 0)


@pytest.mark.usefixtures("bucket_keys")
def test_photos_above_a_limit_wait(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(pending, "_BLOCK", 8)
    freeze(tmp_path, photos(*range(0, 100, 2)))
    found = find(tmp_path, photos(*range(100)), limit=7)
    assert uris(found) == [f"/photos/{n:06}.jpg" for n in range(1, 15, 2)]
    assert (found.skipped, found.waiting) == (50, 43)
    found = find(tmp_path, photos(*range(100)), limit=50)
    assert (found.items.num_rows, found.waiting) == (50, 0)


@pytest.mark.usefixtures("bucket_keys")
def test_counts_of_a_frozen_plan_are_those_of_its_draft(tmp_path: Path) -> None:
    freeze(tmp_path, photos(*range(0, 50, 2)), night="2026-11-01")
    found = find(tmp_path, photos(*range(60)), limit=20)
    folder = NightFolder(str(tmp_path), "2026-11-02")
    plan, _ = sequence.freeze(folder, lambda _: draft(found.items))
    night = PlannedNight(str(tmp_path), plan)
    counted = pending.count_unplanned(night, Photos([photos(*range(60))]))
    assert counted == (found.skipped, found.waiting) == (25, 15)
    counted = pending.count_unplanned(night, Photos([photos(*range(70))]))
    assert counted == (25, 25)


def failed_of(night: PlannedNight) -> list[str]:
    """Returns the photos of a drawn night that failed with `timeout`."""
    return [f"/photos/{night.plan.run_date}/{n:04}.jpg" for n in range(5, 40, 20)]


def listing(uris: list[str]) -> pa.Table:
    nulls = pa.nulls(len(uris), pa.int64())
    return pa.table([uris, ["1-1"] * len(uris), nulls, nulls], schema=LISTING_SCHEMA)


@pytest.mark.usefixtures("bucket_keys")
def test_photos_that_may_pass_are_tried_three_nights_more(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 40)
    listed = listing([f"/photos/{night.plan.run_date}/{n:04}.jpg" for n in range(40)])
    assert uris(find(tmp_path, listed)) == []  # it is not committed yet
    publish_night(night)
    retried = failed_of(night)
    for day in (21, 22, 23):
        found = find(tmp_path, listed)
        assert uris(found) == retried
        assert found.skipped == 40 - len(retried)
        _fail_again(tmp_path, found, f"2026-11-{day}")
    assert uris(find(tmp_path, listed)) == []


def _fail_again(out: Path, found: Pending, run_date: str) -> None:
    folder = NightFolder(str(out), run_date)
    plan, _ = sequence.freeze(folder, lambda _: draft(found.items))
    night = PlannedNight(str(out), plan)
    items, rows = rows_of(night, 0)
    failed = [
        replace(
            rows[0],
            image_key=item["image_key"],
            image_uri=item["image_uri"],
            error_reason="timeout",
        )
        for item in items.to_pylist()
    ]
    parts.write_part(night, 0, items=items, rows=failed, masks_bytes=0)
    publish_night(night)


@pytest.mark.usefixtures("bucket_keys")
def test_what_another_arithmetic_scored_needs_the_word(tmp_path: Path) -> None:
    freeze(tmp_path, photos(*range(30)))
    earlier = sequence.read_all(str(tmp_path))
    other: dict[str, Any] = {"earlier": earlier, "fingerprint": "e" * 64}
    found = find(tmp_path, photos(*range(20, 45)), **other)
    assert found.items.num_rows == 25
    with pytest.raises(UsageError, match=r"^10 photos would be scored again"):
        check_rescoring(str(tmp_path), found, **other)
    found = find(tmp_path, photos(*range(30, 45)), **other)
    check_rescoring(str(tmp_path), found, **other)


def test_nobody_reads_a_name_to_compare(tmp_path: Path) -> None:
    """The pieces of earlier plans are not touched; their keys are."""
    night = plan_night(tmp_path, 30)
    for path in (tmp_path / "_runs").rglob("piece-*.parquet"):
        path.unlink()
    listed = listing([f"/photos/{night.plan.run_date}/{n:04}.jpg" for n in range(31)])
    assert len(uris(find(tmp_path, listed))) == 1


def test_plans_hold_what_they_hold(tmp_path: Path) -> None:
    plan: Plan = freeze(tmp_path, photos(3, 4))[0]
    listed = Photos([photos(1, 2, 3), photos(4, 5)])
    found = pending.is_held(str(tmp_path), listed, [plan])
    assert found.tolist() == [False, False, True, True, False]
    assert not np.any(pending.is_held(str(tmp_path), listed, []))
