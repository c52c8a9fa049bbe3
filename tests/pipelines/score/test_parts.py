"""Parts of a night: created once, checked, counted."""

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.faults import SystemicFault
from pipelines.score import parts
from pipelines.score.plan import PlannedNight
from pipelines.score.statistics import Statistics
from tests.drawn.night_plans import (
    draw_night,
    plan_night,
    rows_of,
    write_part,
)


def count(night: PlannedNight, chunk: int) -> Counts | None:
    items = night.items().chunk(chunk)
    return parts.find_counts(night, chunk, items=items)


def test_a_part_says_what_became_of_its_items(tmp_path: Path) -> None:
    night = plan_night(tmp_path, 10)
    assert count(night, 1) is None
    assert write_part(night, 1)
    assert count(night, 1) == Counts(ok=3, failed=1)
    assert night.parts.committed(1, columns=[]).counts == Counts(ok=3, failed=1)
    _, rows = rows_of(night, 1)
    found = night.parts.committed(1).rows.to_pylist()
    assert found == [vars(row) for row in rows]


def test_a_part_is_created_once(tmp_path: Path) -> None:
    night = plan_night(tmp_path, 4)
    items, rows = rows_of(night, 0)
    barrier, won = threading.Barrier(8), []

    def attempt(number: int) -> None:
        mine = [replace(row, models=f"attempt {number}") for row in rows]
        barrier.wait()
        won.append(parts.write_part(night, 0, items=items, rows=mine, masks_bytes=0))

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    models = night.parts.committed(0).rows["models"].to_pylist()
    assert len(set(models)) == 1


@pytest.mark.parametrize("change", ["fewer", "more", "order"])
def test_rows_that_are_not_one_an_item_are_refused(tmp_path: Path, change: str) -> None:
    night = plan_night(tmp_path, 4)
    items, rows = rows_of(night, 0)
    changed = {"fewer": rows[:3], "more": [*rows, rows[0]], "order": rows[::-1]}
    with pytest.raises(SystemicFault, match="expected one for each"):
        parts.write_part(night, 0, items=items, rows=changed[change], masks_bytes=0)
    assert count(night, 0) is None


def test_a_part_of_another_plan_is_noticed(tmp_path: Path) -> None:
    night = draw_night(tmp_path / "a", 4)
    other = draw_night(tmp_path / "b", 4, night="2026-11-19")
    files.to_path(night.parts.uri(0)).write_bytes(files.read_bytes(other.parts.uri(0)))
    with pytest.raises(SystemicFault, match="a part of another plan"):
        count(night, 0)


def test_a_part_with_other_items_is_noticed(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 8)
    first, second = (files.to_path(night.parts.uri(n)) for n in (0, 1))
    second.write_bytes(first.read_bytes())
    with pytest.raises(SystemicFault, match="a part with other items"):
        count(night, 1)


def test_damage_of_a_part_is_noticed(tmp_path: Path) -> None:
    """Whatever bit flips: it is a fault, or the rows are read as they were."""
    night = draw_night(tmp_path, 4)
    path = files.to_path(night.parts.uri(0))
    good, rows = path.read_bytes(), night.parts.committed(0).rows
    before = parts.add_up(night)
    unnoticed, noticed = [], 0
    for position in range(0, len(good), 29):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            counts = count(night, 0)
            read = night.parts.committed(0).rows
            totals = parts.add_up(night)
        except SystemicFault:
            noticed += 1
            continue
        if not (read.equals(rows) and totals == before and counts == Counts(3, 1)):
            unnoticed.append(position)
    assert unnoticed == []
    assert noticed > len(good) / 29 / 2  # the others are bits that nobody reads


def test_a_part_cut_off_anywhere_is_noticed(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 4)
    path = files.to_path(night.parts.uri(0))
    good = path.read_bytes()
    for length in range(0, len(good), 97):
        path.write_bytes(good[:length])
        with pytest.raises(SystemicFault, match=r"run fcn check .* --mend"):
            count(night, 0)
        with pytest.raises(SystemicFault, match=r"run fcn check .* --mend"):
            parts.add_up(night)


def test_totals_count_every_row_and_reason(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 23)
    totals = parts.add_up(night)
    hashes = [files.sha256(night.parts.uri(chunk)) for chunk in range(6)]
    rows = [row for chunk in range(6) for row in rows_of(night, chunk)[1]]
    (retried,) = [row for row in rows if row.error_reason == "timeout"]
    text = f"{retried.image_uri}\0{retried.version}"
    assert totals == parts.Totals(
        ok=18,
        failed=5,
        failures={"corrupt": 3, "timeout": 1, "vanished": 1},
        retries=hashlib.sha256(text.encode()).digest()[:16],
        parts=b"".join(bytes.fromhex(each) for each in hashes),
        statistics=Statistics(
            photos=18,
            ratings={"aesthetics": {110: 18}},
            dominant={8: 18},
            stored_bytes=sum(files.size(night.parts.uri(n)) or 0 for n in range(6)),
        ),
    )
