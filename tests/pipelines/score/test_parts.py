"""Results: parts are created once and checked, a night's table appears whole."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import inputs, layout, plan, publish
from pipelines.score import parts as score_parts
from pipelines.score import states as score_states
from pipelines.score.commit import read_commit
from pipelines.score.plan import Draft, Plan
from pipelines.score.rows import SCORES_SCHEMA, Row

NIGHT = "2026-11-20"
REASONS = ("corrupt", "timeout", "corrupt", "vanished")


def make_plan(
    out: Path, count: int, *, night: str = NIGHT, chunk_size: int = 4
) -> Plan:
    uris = [f"/photos/{night}/{number:04}.jpg" for number in range(count)]
    columns = [uris, ["1-1"] * count, pa.nulls(count, pa.int64())]
    items = pa.table(columns, schema=inputs.LISTING_SCHEMA)
    draft = Draft("score", {"masks": "png"}, "f" * 64, None, chunk_size, items)
    return plan.freeze(str(out), night, lambda _: draft)[0]


def row_of(item: Row, number: int) -> Row:
    """Returns a row; every fifth photo failed."""
    row = {
        "image_key": item["image_key"],
        "image_uri": item["image_uri"],
        "version": item["version"],
        "models": "voc21@1+quality@1",
        "fingerprint": "f" * 64,
        "decode_policy": 1,
    }
    if number % 5 == 0:
        reason = REASONS[number // 5 % len(REASONS)]
        return row | {
            "status": "failed",
            "error_stage": "decode",
            "error_reason": reason,
            "error_detail": f"drawn {number}",
        }
    return row | {
        "status": "ok",
        "sha256": hashlib.sha256(b"%d" % number).hexdigest(),
        "width": 640,
        "height": 480,
        "segmentation_classes": [0, 8, 15],
        "segmentation_pixels": [number, 3 * 10**9, 7],
        "dominant_class": 8,
        "mask_path": f"masks/run_date={NIGHT}/chunk-00000000/{item['image_key']}.png",
        "mask_sha256": "e" * 64,
        "aesthetics_ratings": [0.25, 0.5, 0.25],
        "aesthetics_mean": 5.5,
        "aesthetics_std": 1.5,
    }


def rows_of(out: Path, frozen: Plan, chunk: int) -> tuple[pa.Table, list[Row]]:
    items = plan.read_chunk(str(out), frozen, chunk)
    first = chunk * frozen.chunk_size
    rows = [row_of(item, first + n) for n, item in enumerate(items.to_pylist())]
    return items, rows


def write_part(out: Path, frozen: Plan, chunk: int) -> bool:
    items, rows = rows_of(out, frozen, chunk)
    return score_parts.write_part(str(out), frozen, chunk, items=items, rows=rows)


def run(out: Path, count: int, **options: Any) -> Plan:
    """Plans a night and writes all its parts."""
    frozen = make_plan(out, count, **options)
    for chunk in range(frozen.chunks):
        assert write_part(out, frozen, chunk)
    return frozen


def published(out: Path, frozen: Plan) -> dict[str, Any]:
    return publish.publish(str(out), frozen, score_parts.total(str(out), frozen))


def table_bytes(out: Path) -> dict[str, bytes]:
    root = out / "scores"
    return {
        os.fspath(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def everything(out: Path) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def counted(
    out: Path, frozen: Plan, chunk: int, *, strict: bool = True
) -> Counts | None:
    items = plan.read_chunk(str(out), frozen, chunk) if strict else None
    return score_parts.read_part_counts(str(out), frozen, chunk, items=items)


def test_a_part_says_what_became_of_its_items(tmp_path: Path) -> None:
    frozen = make_plan(tmp_path, 10)
    assert counted(tmp_path, frozen, 1) is None
    assert write_part(tmp_path, frozen, 1)
    assert counted(tmp_path, frozen, 1) == Counts(ok=3, failed=1)
    assert counted(tmp_path, frozen, 1, strict=False) == Counts(ok=3, failed=1)
    _, rows = rows_of(tmp_path, frozen, 1)
    empty = dict.fromkeys(SCORES_SCHEMA.names)
    found = score_parts.read_part(str(tmp_path), frozen, 1).to_pylist()
    assert found == [{**empty, **row} for row in rows]


def test_a_part_is_created_once(tmp_path: Path) -> None:
    frozen = make_plan(tmp_path, 4)
    items, rows = rows_of(tmp_path, frozen, 0)
    barrier, won = threading.Barrier(8), []

    def attempt(number: int) -> None:
        mine = [row | {"models": f"attempt {number}"} for row in rows]
        barrier.wait()
        won.append(
            score_parts.write_part(str(tmp_path), frozen, 0, items=items, rows=mine)
        )

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    models = score_parts.read_part(str(tmp_path), frozen, 0)["models"].to_pylist()
    assert len(set(models)) == 1


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        published(tmp_path / name, run(tmp_path / name, 23))
    assert everything(tmp_path / "a") == everything(tmp_path / "b")


@pytest.mark.parametrize("change", ["fewer", "more", "order"])
def test_rows_that_are_not_one_an_item_are_refused(tmp_path: Path, change: str) -> None:
    frozen = make_plan(tmp_path, 4)
    items, rows = rows_of(tmp_path, frozen, 0)
    changed = {"fewer": rows[:3], "more": [*rows, rows[0]], "order": rows[::-1]}
    with pytest.raises(SystemicFault, match="expected one for each"):
        score_parts.write_part(
            str(tmp_path), frozen, 0, items=items, rows=changed[change]
        )
    assert counted(tmp_path, frozen, 0) is None


def test_a_part_of_another_plan_is_noticed(tmp_path: Path) -> None:
    frozen = run(tmp_path / "a", 4)
    other = run(tmp_path / "b", 4, night="2026-11-19")
    theirs = files.to_path(layout.part_uri(str(tmp_path / "b"), other.run_date, 0))
    mine = files.to_path(layout.part_uri(str(tmp_path / "a"), frozen.run_date, 0))
    mine.write_bytes(theirs.read_bytes())
    with pytest.raises(SystemicFault, match="a part of another plan"):
        counted(tmp_path / "a", frozen, 0)


def test_a_part_with_other_items_is_noticed(tmp_path: Path) -> None:
    frozen = run(tmp_path, 8)
    first, second = (
        files.to_path(layout.part_uri(str(tmp_path), frozen.run_date, n))
        for n in (0, 1)
    )
    second.write_bytes(first.read_bytes())
    with pytest.raises(SystemicFault, match="a part with other items"):
        counted(tmp_path, frozen, 1)


def test_damage_of_a_part_is_noticed(tmp_path: Path) -> None:
    """Whatever bit flips: it is a fault, or the rows are read as they were."""
    frozen = run(tmp_path, 4)
    path = files.to_path(layout.part_uri(str(tmp_path), frozen.run_date, 0))
    good, rows = path.read_bytes(), score_parts.read_part(str(tmp_path), frozen, 0)
    before = score_parts.total(str(tmp_path), frozen)
    unnoticed, noticed = [], 0
    for position in range(0, len(good), 29):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            counts = counted(tmp_path, frozen, 0)
            read = score_parts.read_part(str(tmp_path), frozen, 0)
            totals = score_parts.total(str(tmp_path), frozen)
        except SystemicFault:
            noticed += 1
            continue
        if not (read.equals(rows) and totals == before and counts == Counts(3, 1)):
            unnoticed.append(position)
    assert unnoticed == []
    assert noticed > len(good) / 29 / 2  # the others are bits that nobody reads


def test_a_part_cut_off_anywhere_is_noticed(tmp_path: Path) -> None:
    frozen = run(tmp_path, 4)
    path = files.to_path(layout.part_uri(str(tmp_path), frozen.run_date, 0))
    good = path.read_bytes()
    for length in range(0, len(good), 97):
        path.write_bytes(good[:length])
        with pytest.raises(SystemicFault, match="move it away"):
            counted(tmp_path, frozen, 0)
        with pytest.raises(SystemicFault, match="move it away"):
            score_parts.total(str(tmp_path), frozen)


def test_totals_count_every_row_and_reason(tmp_path: Path) -> None:
    frozen = run(tmp_path, 23)
    totals = score_parts.total(str(tmp_path), frozen)
    assert totals == score_parts.Totals(
        ok=18,
        failed=5,
        failures={"corrupt": 3, "timeout": 1, "vanished": 1},
        transient=1,
    )


def test_a_missing_part_publishes_nothing(tmp_path: Path) -> None:
    frozen = run(tmp_path, 23)
    totals = score_parts.total(str(tmp_path), frozen)
    files.remove(layout.part_uri(str(tmp_path), frozen.run_date, 3))
    with pytest.raises(SystemicFault):
        score_parts.total(str(tmp_path), frozen)
    with pytest.raises(SystemicFault):
        publish.publish(str(tmp_path), frozen, totals)
    assert not (tmp_path / "scores").exists()
    assert read_commit(str(tmp_path), NIGHT) is None


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of seven rows a file, in groups of at most five."""
    monkeypatch.setattr(publish, "ROWS_PER_FILE", 7)
    monkeypatch.setattr(publish, "_ROWS_PER_GROUP", 5)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("chunk_size", [1, 3, 7, 50])
def test_parts_are_merged_into_full_files(tmp_path: Path, chunk_size: int) -> None:
    frozen = run(tmp_path, 23, chunk_size=chunk_size)
    commit = published(tmp_path, frozen)
    folder = tmp_path / "scores" / f"run_date={NIGHT}"
    names = [f"scores-{n:05}-of-00004.parquet" for n in range(4)]
    assert sorted(os.listdir(folder)) == ["_SUCCESS", *names]  # noqa: PTH208
    tables, groups = [], []
    for name in names:
        with pq.ParquetFile(folder / name) as file:
            tables.append(file.read())
            count = file.metadata.num_row_groups
            groups.append([file.metadata.row_group(n).num_rows for n in range(count)])
    assert groups == [[5, 2], [5, 2], [5, 2], [2]]
    rows = [row for table in tables for row in table.to_pylist()]
    parts = [
        row
        for chunk in range(frozen.chunks)
        for row in score_parts.read_part(str(tmp_path), frozen, chunk).to_pylist()
    ]
    assert rows == parts
    assert len({row["image_key"] for row in rows}) == 23
    assert all(table.schema.equals(SCORES_SCHEMA) for table in tables)
    assert tables[0].schema.metadata == SCORES_SCHEMA.metadata
    assert [file["rows"] for file in commit["files"]] == [7, 7, 7, 2]
    for file in commit["files"]:
        assert files.sha256(str(folder / file["name"])) == file["sha256"]


@pytest.mark.usefixtures("small_files")
def test_the_table_does_not_depend_on_the_chunks(tmp_path: Path) -> None:
    for size in (1, 4, 50):
        published(tmp_path / str(size), run(tmp_path / str(size), 23, chunk_size=size))
    assert table_bytes(tmp_path / "1") == table_bytes(tmp_path / "4")
    assert table_bytes(tmp_path / "1") == table_bytes(tmp_path / "50")


def test_publishing_again_changes_nothing(tmp_path: Path) -> None:
    frozen = run(tmp_path, 9)
    first = published(tmp_path, frozen)
    before = everything(tmp_path)
    assert published(tmp_path, frozen) == first
    assert everything(tmp_path) == before


class Killed(BaseException):
    """The process ends here: nothing after this line happens."""


STEPS = ("create_once", "move", "write_atomically", "remove_folder")


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", [0, 1, 2])
def test_killed_at_any_step_the_next_attempt_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: int
) -> None:
    for name in ("whole", "killed"):
        frozen = run(tmp_path / name, 23)
    published(tmp_path / "whole", frozen)
    calls = [0]
    act = getattr(files, step)

    def dying(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == when + 1:
            raise Killed
        return act(*arguments, **options)

    monkeypatch.setattr(files, step, dying)
    # A process that is killed cleans nothing up.
    monkeypatch.setattr(publish.files, "remove_folder", lambda _: None)
    if step == "remove_folder":
        monkeypatch.setattr(publish.files, "remove_folder", dying)
    try:
        published(tmp_path / "killed", frozen)
    except Killed:
        assert calls[0] == when + 1
    monkeypatch.undo()
    monkeypatch.setattr(publish, "ROWS_PER_FILE", 7)
    monkeypatch.setattr(publish, "_ROWS_PER_GROUP", 5)
    success = tmp_path / "killed" / "scores" / f"run_date={NIGHT}" / "_SUCCESS"
    if success.exists():  # what readers may read is whole
        assert table_bytes(tmp_path / "killed") == table_bytes(tmp_path / "whole")
    monkeypatch.setattr(publish, "_THIS_PROCESS", "the next")
    published(tmp_path / "killed", frozen)
    publish.sweep(str(tmp_path / "killed"), frozen)
    assert everything(tmp_path / "killed") == everything(tmp_path / "whole")


def test_a_committed_night_is_shown_from_its_parts(tmp_path: Path) -> None:
    frozen = run(tmp_path, 9)
    published(tmp_path, frozen)
    before = everything(tmp_path)
    files.remove_folder(layout.scores_folder(str(tmp_path), NIGHT))
    published(tmp_path, frozen)
    assert everything(tmp_path) == before


def test_other_bytes_than_committed_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = run(tmp_path, 9)
    published(tmp_path, frozen)
    files.remove_folder(layout.scores_folder(str(tmp_path), NIGHT))
    monkeypatch.setattr(publish, "_ROWS_PER_GROUP", 2)  # as another version might
    with pytest.raises(SystemicFault, match="not the one that was committed"):
        published(tmp_path, frozen)
    assert table_bytes(tmp_path) == {}


@pytest.mark.usefixtures("small_files")
def test_two_attempts_at_once_publish_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second overtakes the first, which wakes after everything is done."""
    frozen = run(tmp_path, 23)
    stage = publish._stage

    def slow(out: str, frozen: Plan) -> list[dict[str, Any]]:
        staged = stage(out, frozen)
        monkeypatch.setattr(publish, "_stage", stage)
        monkeypatch.setattr(publish, "_THIS_PROCESS", "other")
        published(tmp_path, frozen)
        monkeypatch.setattr(publish, "_THIS_PROCESS", "first")
        return staged

    monkeypatch.setattr(publish, "_THIS_PROCESS", "first")
    monkeypatch.setattr(publish, "_stage", slow)
    published(tmp_path, frozen)
    after = table_bytes(tmp_path)
    assert len(after) == 5
    publish.sweep(str(tmp_path), frozen)
    assert not [name for name in everything(tmp_path) if "staging" in name]
    assert table_bytes(tmp_path) == after


def test_a_damaged_commit_is_noticed(tmp_path: Path) -> None:
    frozen = run(tmp_path, 9)
    commit = published(tmp_path, frozen)
    path = files.to_path(layout.commit_uri(str(tmp_path), NIGHT))
    good = path.read_bytes()
    for position in range(0, len(good), 3):
        flipped = bytearray(good)
        flipped[position] ^= 1 << position % 8
        for damaged in (bytes(flipped), good[:position]):
            path.write_bytes(damaged)
            try:
                assert read_commit(str(tmp_path), NIGHT) == commit
            except SystemicFault as fault:
                assert "_COMMIT.json" in str(fault)


def test_readers_see_two_nights_as_one_table(tmp_path: Path) -> None:
    nights = {"2026-11-20": 9, "2026-11-21": 6}
    for night, count in nights.items():
        published(tmp_path, run(tmp_path, count, night=night))
    frame = pd.read_parquet(tmp_path / "scores")
    assert frame.groupby("run_date", observed=True).size().to_dict() == nights
    assert set(frame.columns) == {*SCORES_SCHEMA.names, "run_date"}
    assert frame["status"].value_counts().to_dict() == {"ok": 11, "failed": 4}
    assert frame["image_key"].is_unique
    query = f"""
        select run_date::varchar, count(*), count(distinct image_key),
               sum(list_sum(segmentation_pixels))
        from read_parquet('{tmp_path}/scores/*/*.parquet', hive_partitioning = true)
        group by all order by all
    """
    found = duckdb.execute(query).fetchall()
    assert [(night, n, keys) for night, n, keys, _ in found] == [
        ("2026-11-20", 9, 9),
        ("2026-11-21", 6, 6),
    ]
    pixels = [sum(p) for p in frame["segmentation_pixels"].dropna()]
    assert sum(row[3] for row in found) == sum(pixels)


def test_an_empty_night_is_an_empty_table(tmp_path: Path) -> None:
    frozen = run(tmp_path, 0)
    commit = published(tmp_path, frozen)
    assert (commit["planned"], commit["ok"], len(commit["files"])) == (0, 0, 1)
    assert len(pd.read_parquet(tmp_path / "scores")) == 0


def test_failures_that_may_pass_are_told_of_committed_nights_only(
    tmp_path: Path,
) -> None:
    frozen = run(tmp_path, 23)
    assert score_parts.transient_failures(str(tmp_path), frozen).num_rows == 0
    published(tmp_path, frozen)
    found = score_parts.transient_failures(str(tmp_path), frozen).to_pylist()
    assert found == [{"image_uri": f"/photos/{NIGHT}/0005.jpg", "version": "1-1"}]
    failed = score_parts.failed_rows(str(tmp_path), frozen)
    assert failed["error_detail"].to_pylist() == [f"drawn {n}" for n in range(0, 23, 5)]


def states(out: Path) -> Iterator[tuple[str, str, int, int, int]]:
    for state in score_states.states(str(out)):
        yield state.run_date, state.state, state.ok, state.failed, state.chunks_done


def test_the_ledger_tells_how_far_each_night_is(tmp_path: Path) -> None:
    published(tmp_path, run(tmp_path, 9, night="2026-11-18"))
    failed = run(tmp_path, 5, night="2026-11-19")
    verdict = json.dumps({"why": "too much failed", "failures": {"corrupt": 1}})
    folder = layout.run_folder(str(tmp_path), failed.run_date)
    files.write_atomically(files.join(folder, "_FAILED"), verdict.encode())
    half = make_plan(tmp_path, 9)
    write_part(tmp_path, half, 2)
    assert list(states(tmp_path)) == [
        ("2026-11-18", "committed", 7, 2, 3),
        ("2026-11-19", "failed", 4, 1, 2),
        ("2026-11-20", "open", 1, 0, 1),
    ]
    rows = [state.row() for state in score_states.states(str(tmp_path))]
    assert rows[1][-1] == "corrupt 1; too much failed"
    assert rows[2] == ("2026-11-20", "open", "9", "1", "0", "1/3", "")
    assert (
        score_states.committed(str(tmp_path), run_date=None).plan.run_date
        == "2026-11-18"
    )
    with pytest.raises(UsageError, match="expected a night of this output"):
        score_states.states(str(tmp_path), run_date="2020-01-01")
    with pytest.raises(UsageError, match="got no night"):
        score_states.states(str(tmp_path / "nowhere"))


def test_an_open_night_can_be_discarded_and_a_committed_one_not(tmp_path: Path) -> None:
    published(tmp_path, run(tmp_path, 9, night="2026-11-19"))
    before = everything(tmp_path)
    half = make_plan(tmp_path, 9)
    write_part(tmp_path, half, 0)
    mask = tmp_path / "masks" / f"run_date={NIGHT}" / "chunk-00000000" / "x.png"
    files.write_atomically(str(mask), b"png")
    with pytest.raises(UsageError, match="a committed one stays"):
        score_states.discard(str(tmp_path), run_date="2026-11-19")
    assert score_states.discard(str(tmp_path), run_date=NIGHT) == 9
    left = everything(tmp_path)
    assert set(left) - set(before) == {
        "_runs/plans/00000002.json",
        "_runs/plans/00000002.discarded",
    }
    assert list(states(tmp_path)) == [("2026-11-19", "committed", 7, 2, 3)]
