"""How far each night of an output is, and giving one up."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import states as score_states
from tests.drawn.night_plans import (
    NIGHT,
    draw_night,
    plan_night,
    publish_night,
    write_part,
)
from tests.runs.trees import everything


def states(out: Path) -> Iterator[tuple[str, str, int, int, int]]:
    for state in score_states.states(str(out)):
        yield state.run_date, state.state, state.ok, state.failed, state.chunks_done


def test_the_ledger_tells_how_far_each_night_is(tmp_path: Path) -> None:
    publish_night(draw_night(tmp_path, 9, night="2026-11-18"))
    failed = draw_night(tmp_path, 5, night="2026-11-19")
    verdict = json.dumps({"why": "too much failed", "failures": {"corrupt": 1}})
    files.write_atomically(failed.folder.refusal, verdict.encode())
    half = plan_night(tmp_path, 9)
    write_part(half, 2)
    assert list(states(tmp_path)) == [
        ("2026-11-18", "committed", 7, 2, 3),
        ("2026-11-19", "failed", 4, 1, 2),
        ("2026-11-20", "open", 1, 0, 1),
    ]
    rows = [state.row() for state in score_states.states(str(tmp_path))]
    assert rows[1][-1] == "corrupt 1; too much failed"
    assert rows[2] == ("2026-11-20", "open", "9", "1", "0", "1/3", "", "")


def test_an_open_night_can_be_discarded_and_a_committed_one_not(tmp_path: Path) -> None:
    publish_night(draw_night(tmp_path, 9, night="2026-11-19"))
    before = everything(tmp_path)
    half = plan_night(tmp_path, 9)
    write_part(half, 0)
    mask = files.join(half.folder.masks, "chunk-00000000", "x.png")
    files.write_atomically(mask, b"png")
    with pytest.raises(UsageError, match="a committed one stays"):
        score_states.discard(str(tmp_path), run_date="2026-11-19")
    assert score_states.discard(str(tmp_path), run_date=NIGHT) == 9
    left = everything(tmp_path)
    assert set(left) - set(before) == {
        "_runs/plans/00000002.json",
        f"_runs/run_date={NIGHT}/00000002/_COMMIT.json",
    }
    assert list(states(tmp_path)) == [("2026-11-19", "committed", 7, 2, 3)]
