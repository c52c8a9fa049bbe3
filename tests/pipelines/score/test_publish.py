"""A night's table appears whole and once, whatever kills its attempts."""

import os
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score import merging, parts, publish
from pipelines.score.commit import TableFile
from pipelines.score.keys import keys_of
from pipelines.score.parts import Totals
from pipelines.score.plan import PlannedNight
from pipelines.score.rows import SCORES_SCHEMA
from tests.drawn.night_plans import (
    NIGHT,
    draw_night,
    publish_night,
)
from tests.runs.trees import everything


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        publish_night(draw_night(tmp_path / name, 23))
    assert everything(tmp_path / "a") == everything(tmp_path / "b")


def test_a_missing_part_publishes_nothing(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 23)
    totals = parts.add_up(night)
    files.remove(night.parts.uri(3))
    with pytest.raises(SystemicFault):
        parts.add_up(night)
    with pytest.raises(SystemicFault):
        publish.publish(night, totals)
    assert not (tmp_path / "scores").exists()
    assert night.commit() is None


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of seven rows a file, in groups of at most five."""
    monkeypatch.setattr(merging, "ROWS_PER_FILE", 7)
    monkeypatch.setattr(merging, "_ROWS_PER_GROUP", 5)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("chunk_size", [1, 3, 7, 50])
def test_parts_are_merged_into_full_files(tmp_path: Path, chunk_size: int) -> None:
    night = draw_night(tmp_path, 23, chunk_size=chunk_size)
    commit = publish_night(night)
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
    assert rows == [
        row
        for chunk in range(night.plan.chunks)
        for row in night.parts.committed(chunk).rows.to_pylist()
    ]
    assert len({row["image_key"] for row in rows}) == 23
    assert all(table.schema.equals(SCORES_SCHEMA) for table in tables)
    assert tables[0].schema.metadata == SCORES_SCHEMA.metadata
    assert [file.rows for file in commit.files] == [7, 7, 7, 2]
    for table_file in commit.files:
        assert files.sha256(str(folder / table_file.name)) == table_file.sha256


@pytest.mark.usefixtures("small_files")
def test_the_table_does_not_depend_on_the_chunks(tmp_path: Path) -> None:
    for size in (1, 4, 50):
        publish_night(draw_night(tmp_path / str(size), 23, chunk_size=size))
    assert everything(tmp_path / "1" / "scores") == everything(
        tmp_path / "4" / "scores"
    )
    assert everything(tmp_path / "1" / "scores") == everything(
        tmp_path / "50" / "scores"
    )


def test_publishing_again_changes_nothing(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    first = publish_night(night)
    before = everything(tmp_path)
    assert publish_night(night) == first
    assert everything(tmp_path) == before


class Killed(BaseException):
    """The process ends here: nothing after this line happens."""


STEPS = ("create_once", "new_file", "move", "write_atomically")


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", [0, 1, 2])
def test_killed_at_any_step_the_next_attempt_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: int
) -> None:
    publish_night(draw_night(tmp_path / "whole", 23))
    night = draw_night(tmp_path / "killed", 23)
    calls = [0]
    act = getattr(files, step)

    def dying(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == when + 1:
            raise Killed
        return act(*arguments, **options)

    # A process that is killed cleans nothing up.
    monkeypatch.setattr(files, "remove", lambda _: None)
    monkeypatch.setattr(publish.files, "remove_folder", lambda _: None)
    if step == "remove_folder":
        monkeypatch.setattr(publish.files, "remove_folder", dying)
    try:
        publish_night(night)
    except Killed:
        assert calls[0] == when + 1
    monkeypatch.undo()
    monkeypatch.setattr(merging, "ROWS_PER_FILE", 7)
    monkeypatch.setattr(merging, "_ROWS_PER_GROUP", 5)
    success = tmp_path / "killed" / "scores" / f"run_date={NIGHT}" / "_SUCCESS"
    if success.exists():  # what readers may read is whole
        assert everything(tmp_path / "killed" / "scores") == everything(
            tmp_path / "whole" / "scores"
        )
    publish_night(night)
    publish.sweep(night)
    assert everything(tmp_path / "killed") == everything(tmp_path / "whole")


def test_a_committed_night_is_shown_from_its_parts(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    publish_night(night)
    before = everything(tmp_path)
    files.remove_folder(night.folder.scores)
    publish_night(night)
    assert everything(tmp_path) == before


def test_other_bytes_than_committed_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = draw_night(tmp_path, 9)
    publish_night(night)
    files.remove_folder(night.folder.scores)
    monkeypatch.setattr(merging, "_ROWS_PER_GROUP", 2)  # as another version might
    with pytest.raises(SystemicFault, match="not the one that was committed"):
        publish_night(night)
    assert everything(tmp_path / "scores") == {}


@pytest.mark.usefixtures("small_files")
def test_two_attempts_at_once_publish_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second overtakes the first, which wakes after everything is done."""
    night = draw_night(tmp_path, 23)
    merge = merging.merge

    def slow(night: PlannedNight, totals: Totals) -> list[TableFile]:
        merged = merge(night, totals)
        monkeypatch.setattr(merging, "merge", merge)
        publish_night(night)
        publish.sweep(night)
        return merged

    monkeypatch.setattr(merging, "merge", slow)
    publish_night(night)
    after = everything(tmp_path / "scores")
    assert len(after) == 5
    publish.sweep(night)
    assert not files.exists(night.folder.merged)
    assert everything(tmp_path / "scores") == after


def test_a_damaged_commit_is_noticed(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    commit = publish_night(night)
    path = files.to_path(night.folder.commit)
    good = path.read_bytes()
    for position in range(0, len(good), 3):
        flipped = bytearray(good)
        flipped[position] ^= 1 << position % 8
        for damaged in (bytes(flipped), good[:position]):
            path.write_bytes(damaged)
            try:
                assert night.commit() == commit
            except SystemicFault as fault:
                assert "_COMMIT.json" in str(fault)


def test_readers_see_two_nights_as_one_table(tmp_path: Path) -> None:
    nights = {"2026-11-20": 9, "2026-11-21": 6}
    for night, count in nights.items():
        publish_night(draw_night(tmp_path, count, night=night))
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
    night = draw_night(tmp_path, 0)
    commit = publish_night(night)
    assert (commit.planned, commit.ok, len(commit.files)) == (0, 0, 1)
    assert len(pd.read_parquet(tmp_path / "scores")) == 0


def test_failures_that_may_pass_are_those_of_committed_nights_only(
    tmp_path: Path,
) -> None:
    night = draw_night(tmp_path, 23)
    assert list(parts.transient_failures(night)) == []
    publish_night(night)
    (found,) = parts.transient_failures(night)
    failed = pa.table({"image_uri": [f"/photos/{NIGHT}/0005.jpg"], "version": ["1-1"]})
    assert found.tolist() == keys_of(failed).tolist()
