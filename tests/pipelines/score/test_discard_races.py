"""A night given up beside running attempts: one verdict, and nothing comes back."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import finish
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import masks, merging, parts, publish, sequence
from pipelines.score.commit import Discard, TableFile
from pipelines.score.discard import discard
from pipelines.score.finish import NightEnding
from pipelines.score.nights import Night
from pipelines.score.parts import Totals
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import (
    NIGHT,
    draw_night,
    plan_night,
    publish_night,
    rows_of,
    write_part,
)
from tests.runs.trees import everything

LEFT = {"_runs/plans/00000001.json", f"_runs/run_date={NIGHT}/00000001/_COMMIT.json"}
"""What is left of a discarded first plan."""


def test_a_publication_between_look_and_verdict_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The discard finds an open night; all is published before its verdict."""
    publish_night(draw_night(tmp_path / "whole", 9))
    night = draw_night(tmp_path / "out", 9)
    look = sequence.check_commit

    def slow(looked: PlannedNight) -> None:
        look(looked)
        publish_night(night)

    monkeypatch.setattr(sequence, "check_commit", slow)
    with pytest.raises(UsageError, match="a committed one stays"):
        discard(night)
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")


@pytest.mark.parametrize("has_merged", [True, False])
def test_a_discard_between_look_and_verdict_of_a_publication_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_merged: bool
) -> None:
    """It is given up before the commit, when the table is merged or about to be."""
    night = draw_night(tmp_path, 9)
    merge = merging.merge

    def slow(*arguments: Any) -> list[TableFile]:
        if not has_merged:
            discard(night)
        merged = merge(*arguments)
        discard(night)
        return merged

    monkeypatch.setattr(merging, "merge", slow)
    with pytest.raises(SystemicFault, match="discarded meanwhile"):
        publish_night(night)
    assert isinstance(night.outcome(), Discard)
    assert set(everything(tmp_path)) == LEFT
    assert night.folder.results() == []


def test_a_discard_while_it_merges_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = draw_night(tmp_path, 9)
    new_file = files.new_file

    @contextmanager
    def slow(*arguments: Any, **options: Any) -> Iterator[BinaryIO]:
        with new_file(*arguments, **options) as file:
            yield file
            discard(night)

    monkeypatch.setattr(files, "new_file", slow)
    with pytest.raises(SystemicFault, match="discarded meanwhile"), night.attempted():
        publish_night(night)
    assert set(everything(tmp_path)) == LEFT


def test_a_discard_after_the_verdict_is_refused_and_the_table_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_night(draw_night(tmp_path / "whole", 9))
    night = draw_night(tmp_path / "out", 9)
    show = publish.show

    def slow(*arguments: Any) -> None:
        with pytest.raises(UsageError, match="a committed one stays"):
            discard(night)
        show(*arguments)

    monkeypatch.setattr(publish, "show", slow)
    publish_night(night)
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")


def _mask(night: PlannedNight, layout: str, *, first: bool) -> Callable[[], object]:
    """Returns the writing of a mask by an attempt that is in its chunk already."""
    chunk = masks.open_chunk(night.folder, 2, layout=layout)
    if not first:
        chunk.add("first", b"png")

    def write() -> None:
        chunk.add("late", b"png")
        chunk.finish()

    return write


def _part(night: PlannedNight) -> Callable[[], object]:
    items, rows = rows_of(night, 2)
    return functools.partial(
        parts.write_part, night, 2, items=items, rows=rows, masks_bytes=0
    )


def _merge(night: PlannedNight) -> Callable[[], object]:
    for chunk in (0, 1, 2):
        write_part(night, chunk)
    total = parts.add_up(night)
    return functools.partial(publish.publish, night, total)


LATE: dict[str, Callable[[PlannedNight], Callable[[], object]]] = {
    "first mask": functools.partial(_mask, layout="png", first=True),
    "mask": functools.partial(_mask, layout="png", first=False),
    "tar": functools.partial(_mask, layout="tar", first=True),
    "part": _part,
    "table": _merge,
}


@pytest.mark.parametrize("what", LATE)
@pytest.mark.parametrize("planned_again", [False, True])
def test_a_late_writer_leaves_nothing(
    tmp_path: Path, what: str, planned_again: bool
) -> None:
    """It passed its checks before the discard, and writes after it."""
    night = plan_night(tmp_path, 9)
    write = LATE[what](night)
    with pytest.raises(SystemicFault, match="discarded meanwhile"), night.attempted():
        discard(night)
        if planned_again:
            plan_night(tmp_path, 9)
        before = sorted(tmp_path.rglob("*"))
        write()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("max_error_rate", [1.0, 0.0])
def test_a_late_ending_leaves_neither_table_nor_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_error_rate: float
) -> None:
    """The night is given up while its parts are added up for the last time."""
    night = draw_night(tmp_path, 201, chunk_size=100)
    ending = NightEnding(
        Night(night.out, night.plan, ()), max_error_rate=max_error_rate, command="fcn"
    )
    add_up = parts.add_up
    total = add_up(night)

    def slow(adding: PlannedNight) -> Totals:
        added = add_up(adding)
        discard(night)
        return added

    monkeypatch.setattr(parts, "add_up", slow)
    counts = Counts(total.ok, total.failed)
    with Attempt() as attempt, pytest.raises(SystemicFault, match="discarded mean"):
        refusal_uri = night.folder.refusal
        finish(ending, counts, attempt, planned=201, refusal_uri=refusal_uri)
    assert set(everything(tmp_path)) == LEFT
