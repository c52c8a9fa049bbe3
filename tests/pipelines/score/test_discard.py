"""Giving a night up: its photos are free, and whatever kills it, it ends alike."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import masks, merging, parts, sequence
from pipelines.score import states as score_states
from pipelines.score.commit import Discard
from pipelines.score.discard import discard
from pipelines.score.layout import PlanFolder
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import (
    NIGHT,
    draw_night,
    freeze,
    photos,
    plan_night,
    publish_night,
    uris_of,
    write_part,
)
from tests.runs.trees import everything


def test_a_discarded_plan_frees_its_items_and_keeps_its_number(tmp_path: Path) -> None:
    freeze(tmp_path, photos(1), night="2026-11-19")
    second, _ = freeze(tmp_path, photos(1, 2))
    night = PlannedNight(str(tmp_path), second)
    discard(night)
    assert [each.sequence for each in sequence.read_all(str(tmp_path))] == [1]
    assert [each.sequence for each in sequence.read_chain(str(tmp_path))] == [1, 2]
    assert night.folder.results() == []
    third, is_new = freeze(tmp_path, photos(1, 2, 3))
    assert (is_new, third.sequence) == (True, 3)
    assert uris_of(tmp_path, third) == ["/photos/000002.jpg", "/photos/000003.jpg"]


def test_a_discard_that_comes_second_is_refused(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    publish_night(night)
    before = everything(tmp_path)
    with pytest.raises(UsageError, match="a committed one stays"):
        discard(night)
    assert everything(tmp_path) == before


class Killed(BaseException):
    """The process ends here: nothing after this line happens."""


def _die_at(
    monkeypatch: pytest.MonkeyPatch, steps: list[tuple[Any, str]], when: int
) -> None:
    """Kills the process at the n-th of some calls, before it does anything."""
    calls = [0]

    def dying(act: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == when + 1:
                raise Killed
            return act(*arguments, **options)

        return step

    for owner, name in steps:
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))


STEPS: list[tuple[Any, str]] = [
    (files, "create_once"),
    (files, "remove_folder"),
    (files, "remove"),
    (files, "remove_temporaries"),
    (shutil, "rmtree"),
]


def _draw_half(out: Path) -> PlannedNight:
    """Plans a night with parts, masks, a merged file and a refusal."""
    night = draw_night(out, 9)
    chunk = masks.open_chunk(night.folder, 2, layout="png")
    chunk.add("mask", b"png")
    merging.merge(night, parts.add_up(night))
    files.write_atomically(night.folder.refusal, b"{}")
    return night


def _tree(out: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes() if path.is_file() else None
        for path in out.rglob("*")
    }


def test_a_discard_killed_anywhere_and_repeated_ends_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    discard(_draw_half(whole))
    when = kills = 0
    while kills == when:
        out = tmp_path / f"killed-{when}"
        night = _draw_half(out)
        before = _tree(out)
        with monkeypatch.context() as patch:
            _die_at(patch, STEPS, when)
            try:
                score_states.discard(str(out), run_date=NIGHT)
            except Killed:
                kills += 1
        if night.outcome() is None:
            assert _tree(out) == before, "before the verdict nothing is removed"
        assert score_states.discard(str(out), run_date=NIGHT) == 9
        assert _tree(out) == _tree(whole)
        when += 1
    assert kills >= 10


def test_from_the_verdict_on_a_killed_discard_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = _draw_half(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        _die_at(patch, [(PlanFolder, "clear")], 0)
        discard(night)
    assert files.exists(night.parts.uri(0))
    assert sequence.read_all(str(tmp_path)) == []
    again = plan_night(tmp_path, 9)
    assert (again.plan.sequence, again.plan.planned) == (2, 9)


def test_the_same_date_planned_again_takes_nothing_of_the_old_plan(
    tmp_path: Path,
) -> None:
    """Not even where a killed discard left all of it."""
    old = draw_night(tmp_path, 9)
    verdict = Discard(run_date=NIGHT, sequence=1, plan_id=old.plan.plan_id).identified()
    files.create_once(old.folder.commit, verdict.encode())
    new = plan_night(tmp_path, 9)
    assert new.plan.plan_id != old.plan.plan_id
    assert new.plan.settings == old.plan.settings
    assert uris_of(tmp_path, new.plan) == uris_of(tmp_path, old.plan)
    for chunk in range(3):
        items = new.items().chunk(chunk)
        assert parts.find_counts(new, chunk, items=items) is None
        assert write_part(new, chunk)
    commit = publish_night(new)
    assert (commit.sequence, commit.planned, commit.ok) == (2, 9, 7)
    paths = [
        row["mask_path"]
        for chunk in range(3)
        for row in new.parts.committed(chunk).rows.to_pylist()
        if row["mask_path"]
    ]
    assert paths
    assert all(path.startswith(f"masks/run_date={NIGHT}/00000002/") for path in paths)
    (state,) = score_states.states(str(tmp_path))
    assert (state.state, state.ok) == ("committed", 7)


def test_a_part_of_the_old_plan_is_never_taken_for_the_new_one(tmp_path: Path) -> None:
    old = draw_night(tmp_path, 9)
    part = files.read_bytes(old.parts.uri(0))
    discard(old)
    new = plan_night(tmp_path, 9)
    files.write_atomically(new.parts.uri(0), part)
    with pytest.raises(SystemicFault, match="a part of another plan"):
        parts.find_counts(new, 0, items=new.items().chunk(0))
