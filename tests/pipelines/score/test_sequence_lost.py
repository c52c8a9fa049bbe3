"""Plans and commits that vanish or are swapped: a fault, never a reason to score again.

What a killed launch left of its draft is no trace of a plan.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import publish, sequence
from pipelines.score import states as score_states
from pipelines.score.discard import discard
from pipelines.score.layout import plan_uri, plans_folder
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

BEFORE, AFTER = "2026-11-19", "2026-11-21"


def _refusal(out: Path) -> str:
    """Returns the line with which planning, status and discard all refuse."""
    before, lines = everything(out), []
    for act in (
        lambda: plan_night(out, 3, night=AFTER),
        lambda: plan_night(out, 3, night=NIGHT),
        lambda: score_states.states(str(out)),
        lambda: score_states.discard(str(out), run_date=NIGHT),
    ):
        with pytest.raises(SystemicFault) as caught:
            act()
        lines.append(str(caught.value))
    assert everything(out) == before
    assert len(set(lines)) == 1
    assert "\n" not in lines[0]
    return lines[0]


def _parts(night: PlannedNight) -> None:
    write_part(night, 1)


def _commit(night: PlannedNight) -> None:
    for chunk in range(night.plan.chunks):
        write_part(night, chunk)
    publish_night(night)


def _only_a_commit(night: PlannedNight) -> None:
    _commit(night)
    for folder in (night.folder.parts, night.folder.scores):
        files.remove_folder(folder)


TRACES = {"parts": _parts, "commit": _only_a_commit, "discarded": discard}


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("earlier", [0, 1])
def test_the_last_plan_that_vanished_is_named(
    tmp_path: Path, trace: str, earlier: int
) -> None:
    if earlier:
        publish_night(draw_night(tmp_path, 5, night=BEFORE))
    night = plan_night(tmp_path, 9)
    TRACES[trace](night)
    uri = plan_uri(str(tmp_path), 1 + earlier)
    kept = files.read_bytes(uri)
    files.remove(uri)
    line = _refusal(tmp_path)
    assert line.startswith(f"{uri}: got no plan of run_date={NIGHT}, ")
    assert "restore it from a copy" in line
    files.write_atomically(uri, kept)
    assert sequence.read_chain(str(tmp_path))[-1] == night.plan


def test_all_plans_that_vanished_are_noticed(tmp_path: Path) -> None:
    for number, night in enumerate((BEFORE, NIGHT)):
        publish_night(draw_night(tmp_path, 5 + number, night=night))
    files.remove_folder(plans_folder(str(tmp_path)))
    assert "00000001.json: got no plan of run_date=2026-11-19" in _refusal(tmp_path)


def test_a_table_that_no_plan_names_is_noticed(tmp_path: Path) -> None:
    publish_night(draw_night(tmp_path, 9))
    shutil.rmtree(tmp_path / "_runs")
    line = _refusal(tmp_path)
    assert line.startswith(f"{tmp_path}/scores/run_date={NIGHT}: got a table, ")
    assert "restore it from a copy" in line


def test_a_plan_of_another_chain_is_noticed(tmp_path: Path) -> None:
    """Its number, its night and its hash are right; what it follows is not."""
    for name, count in (("a", 5), ("b", 6)):
        publish_night(draw_night(tmp_path / name, count, night=BEFORE))
        publish_night(draw_night(tmp_path / name, 9))
    here, there = (plan_uri(str(tmp_path / name), 2) for name in ("a", "b"))
    files.write_atomically(here, files.read_bytes(there))
    assert f"{here}: got a plan that follows " in _refusal(tmp_path / "a")


def test_a_first_plan_of_another_chain_is_noticed(tmp_path: Path) -> None:
    for name, count in (("a", 5), ("b", 6)):
        publish_night(draw_night(tmp_path / name, count, night=BEFORE))
        plan_night(tmp_path / name, 9)
    here, there = (plan_uri(str(tmp_path / name), 1) for name in ("a", "b"))
    files.write_atomically(here, files.read_bytes(there))
    line = _refusal(tmp_path / "a")
    assert f"{plan_uri(str(tmp_path / 'a'), 2)}: got a plan that follows " in line
    assert "from one copy" in line


def test_an_only_plan_of_another_chain_is_not_that_of_its_commit(
    tmp_path: Path,
) -> None:
    for name, count in (("a", 5), ("b", 6)):
        publish_night(draw_night(tmp_path / name, count))
    here, there = (plan_uri(str(tmp_path / name), 1) for name in ("a", "b"))
    files.write_atomically(here, files.read_bytes(there))
    assert "got the commit of plan 1 " in _refusal(tmp_path / "a")


class Killed(BaseException):
    """The process ends here: nothing after this line happens."""


def _leave_draft(
    out: Path, monkeypatch: pytest.MonkeyPatch, numbers: range, *, night: str
) -> None:
    """Plans a night in a process that is killed before it creates the plan."""
    create = files.create_once

    def dying(uri: str, *arguments: Any, **options: Any) -> bool:
        if uri.endswith(".json"):
            raise Killed
        return create(uri, *arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(files, "create_once", dying)
        freeze(out, photos(*numbers), night=night)


def test_a_killed_draft_is_no_plan_and_its_number_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _leave_draft(tmp_path, monkeypatch, range(10), night=BEFORE)
    _leave_draft(tmp_path, monkeypatch, range(12), night=BEFORE)
    assert len(list((tmp_path / "_runs").rglob("piece-*"))) == 2
    assert sequence.read_all(str(tmp_path)) == []
    first, _ = freeze(tmp_path, photos(*range(5)))
    assert (first.sequence, first.run_date) == (1, NIGHT)
    second, is_new = freeze(tmp_path, photos(*range(10)), night=BEFORE)
    assert (is_new, second.sequence, second.previous) == (True, 2, first.plan_id)
    assert uris_of(tmp_path, second) == [f"/photos/{n:06}.jpg" for n in range(5, 10)]
    assert sequence.read_all(str(tmp_path)) == [first, second]


def test_the_same_night_goes_on_where_its_draft_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(tmp_path / "whole", photos(*range(10)))
    _leave_draft(tmp_path / "killed", monkeypatch, range(10), night=NIGHT)
    freeze(tmp_path / "killed", photos(*range(10)))
    assert everything(tmp_path / "killed") == everything(tmp_path / "whole")


def _publish(night: PlannedNight) -> None:
    publish_night(night)
    publish.sweep(night)


def _lose_commit(night: PlannedNight) -> None:
    _publish(night)
    files.remove(night.folder.commit)


def _lose_commit_and_mark(night: PlannedNight) -> None:
    _lose_commit(night)
    files.remove(night.folder.success)


@pytest.mark.parametrize("lose", [_lose_commit, _lose_commit_and_mark])
def test_a_table_without_a_commit_is_refused_and_healed_by_its_own_night(
    tmp_path: Path, lose: Callable[[PlannedNight], None]
) -> None:
    _publish(draw_night(tmp_path / "whole", 9))
    out = tmp_path / "out"
    night = draw_night(out, 9)
    lose(night)
    before = everything(out)
    for act in (
        lambda: plan_night(out, 3, night=AFTER),
        lambda: score_states.discard(str(out), run_date=NIGHT),
        lambda: discard(night),
    ):
        with pytest.raises(SystemicFault) as caught:
            act()
        assert str(caught.value) == (
            f"{night.folder.commit}: got nothing there, expected the commit of the "
            f"table in {night.folder.scores}; run fcn check {out} --run_date {NIGHT} "
            "--mend"
        )
    assert everything(out) == before
    _publish(plan_night(out, 9))
    assert everything(out) == everything(tmp_path / "whole")
    assert plan_night(out, 3, night=AFTER).plan.sequence == 2


@pytest.mark.parametrize("version", [1, 2, 3, 5, None])
def test_only_a_plan_of_an_earlier_version_is_one_of_another_program(
    tmp_path: Path, version: int | None
) -> None:
    freeze(tmp_path, photos(1))
    uri = plan_uri(str(tmp_path), 1)
    content = json.loads(files.read_bytes(uri))
    content["schema_version"] = version
    files.write_atomically(uri, json.dumps(content).encode())
    if version in (1, 2, 3):
        with pytest.raises(UsageError, match=re.escape(uri)) as caught:
            sequence.read_all(str(tmp_path))
        got = f"got a plan of schema version {version}, expected version 4"
        assert got in str(caught.value)
        assert "choose another --output" in str(caught.value)
    else:
        with pytest.raises(SystemicFault, match="got a damaged plan"):
            sequence.read_all(str(tmp_path))
