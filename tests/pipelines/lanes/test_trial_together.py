"""Requests that share a message: a death over it is nobody's, until each is alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.lanes.lane import Lane
from pipelines.lanes.messages import Answer
from pipelines.lanes.trial import Case, Trials
from tests.runs.lane_runs import requests, settings


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    lane = Lane(settings("Perils", journal=f"{tmp_path}/journal"), lambda: 0)
    yield lane
    lane.close()


def ask(lane: Lane, *words: str) -> list[Answer | None]:
    cases = [Case(request, probe=request) for _, request in requests(*words)]
    return [*Trials([lane], lambda: False).ask_together(lane, cases)]


def begun(tmp_path: Path) -> list[str]:
    lines = (tmp_path / "journal").read_text().splitlines()
    return [line.split(" ", 2)[2] for line in lines if line.split(" ")[1] == "begin"]


def shown(answers: list[Answer | None]) -> list[str]:
    """Returns what each answer is: its word, or why there is none."""
    return [
        "none" if each is None else each.bad.reason if each.bad else str(each.blobs[0])
        for each in answers
    ]


def test_they_are_answered_in_their_order_by_one_process(
    lane: Lane, tmp_path: Path
) -> None:
    found = ask(lane, "good 1", "bad", "good 2")
    assert shown(found) == ["b'good 1'", "corrupt", "b'good 2'"]
    assert begun(tmp_path) == ["good 1", "bad", "good 2"]


@pytest.mark.parametrize(
    ("word", "reason"), [("abort", "decoder-crash"), ("refused", "out-of-memory")]
)
def test_a_death_blames_none_of_them_before_each_was_alone(
    *, lane: Lane, tmp_path: Path, word: str, reason: str
) -> None:
    found = ask(lane, "good 1", word, "good 2")
    assert shown(found) == ["b'good 1'", reason, "b'good 2'"]
    # Together, then one by one: two strikes against the one to blame.
    alone = ["good 1", word, word, "good 2"]
    assert begun(tmp_path) == ["good 1", word, *alone]


def test_a_lane_that_was_killed_once_answers_all(lane: Lane) -> None:
    found = ask(lane, "good 1", "killed-once", "good 2")
    assert shown(found) == ["b'good 1'", "b'killed-once'", "b'good 2'"]


def test_what_shares_one_budget_of_memory_gets_one_each_where_it_does_not_suffice(
    lane: Lane, tmp_path: Path
) -> None:
    words = [f"keep {number}" for number in range(7)]  # 64 MiB each, of 256
    assert shown(ask(lane, *words)) == [str(word.encode()) for word in words]
    tries = begun(tmp_path)
    assert 1 < len(tries) - len(words) < len(words)  # together, not to the end
    assert tries[-len(words) :] == words
