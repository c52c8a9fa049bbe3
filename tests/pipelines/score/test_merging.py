"""Files of a table that are merged before the night ends, by whom it may be."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score import merging, parts, publish
from pipelines.score.discard import discard
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import draw_night, plan_night, publish_night, rows_of
from tests.runs import score_runs
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "ROWS_PER_FILE", 7)
    monkeypatch.setattr(merging, "_ROWS_PER_GROUP", 5)


@pytest.fixture
def merged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The files that are merged from now on, by their numbers."""
    numbers = list[int]()
    write = merging._write

    def counted(night: PlannedNight, number: int) -> Any:
        numbers.append(number)
        return write(night, number)

    monkeypatch.setattr(merging, "_write", counted)
    return numbers


def table(out: Path) -> dict[str, bytes]:
    return everything(out / "scores")


def prepared(out: Path) -> PlannedNight:
    """Returns a night of four files, prepared in any order, one of them twice."""
    night = draw_night(out, 23)
    order = [*range(merging.count_files(night.plan)), 2]
    random.Random(1).shuffle(order)
    for number in order:
        merging.prepare(night, number)
    return night


def test_a_prepared_table_is_the_one_that_is_merged_at_the_end(
    tmp_path: Path, merged: list[int]
) -> None:
    publish_night(draw_night(tmp_path / "a", 23))
    merged.clear()
    night = prepared(tmp_path / "b")
    assert sorted(merged) == [0, 1, 2, 3]
    publish_night(night)
    publish.sweep(night)
    assert sorted(merged) == [0, 1, 2, 3]
    assert table(tmp_path / "b") == table(tmp_path / "a")
    assert not files.exists(night.folder.merged)
    merging.prepare(night, 0)  # late: an engine repeats it
    assert not files.exists(night.folder.merged)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("name", ["{}", "{}.json"])
@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_damage_to_what_was_prepared_is_mended(
    tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    publish_night(draw_night(tmp_path / "a", 23))
    night = prepared(tmp_path / "b")
    file = name.format("scores-00002-of-00004.parquet")
    damage(files.to_path(files.join(night.folder.merged, file)))
    publish_night(night)
    assert table(tmp_path / "b") == table(tmp_path / "a")


def test_what_was_prepared_of_other_parts_is_merged_again(
    tmp_path: Path, merged: list[int]
) -> None:
    """A part that was damaged was scored again since, to other rows."""
    night = prepared(tmp_path)
    merged.clear()
    items, rows = rows_of(night, 1)
    changed = [replace(row, models="another@1") for row in rows]
    data = parts.encode_part(night, items=items, rows=changed, masks_bytes=0)
    files.write_atomically(night.parts.uri(1), data)
    publish_night(night)
    assert merged == [n for n in range(4) if 1 in merging._chunks(night.plan, n)]
    found = score_runs.table(tmp_path)
    assert {row["models"] for row in found} > {"another@1"}


def test_what_another_version_prepared_is_merged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merged: list[int]
) -> None:
    night = prepared(tmp_path)
    merged.clear()
    monkeypatch.setattr(merging, "WRITER", "pyarrow 99.1.0")
    publish_night(night)
    assert merged == [0, 1, 2, 3]


def test_a_discarded_night_is_not_prepared(tmp_path: Path) -> None:
    night = plan_night(tmp_path, 23)
    discard(night)
    before = everything(tmp_path)
    with pytest.raises(SystemicFault, match="discarded meanwhile"):
        merging.prepare(night, 0)
    assert everything(tmp_path) == before


def test_the_graph_prepares_what_the_finish_publishes(
    tmp_path: Path, merged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    score_runs.add_photos(tmp_path / "photos", 16, side=24)
    flags = ("--model", "voc21", "--chunk_size=2")
    score_runs.scored(tmp_path / "photos", tmp_path / "many", *flags)
    assert sorted(merged) == [0, 1, 2]  # each once, before the finish
    rows = score_runs.table(tmp_path / "many")
    monkeypatch.setattr(merging, "ROWS_PER_FILE", 1000)
    score_runs.scored(tmp_path / "photos", tmp_path / "one", *flags)
    assert rows == score_runs.table(tmp_path / "one")
    assert len(rows) == 16
