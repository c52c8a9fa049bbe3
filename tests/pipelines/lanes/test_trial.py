"""Suspicious deaths: three alone, with the machine proved well, are the photo's row."""

import signal

import pytest

from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault
from tests.runs.lane_runs import Pools, answers, requests

SUSPICIOUS = {
    "for-memory": ("out-of-memory", "three times, alone: the kernel's OOM killer"),
    "exit 1": ("decoder-crash", "three times, alone: ended with code 1"),
    "signal 31": ("decoder-crash", "three times, alone: SIGSYS"),
    "signal 5": ("decoder-crash", "three times, alone: SIGTRAP"),
    "babble text": ("decoder-crash", "three times, alone: a garbled answer"),
}


def verdict(bad: BadImage | None) -> tuple[str, str] | None:
    return None if bad is None else (bad.reason, bad.detail)


@pytest.mark.parametrize(
    "word",
    [
        word
        if word in ("for-memory", "babble text")
        else pytest.param(word, marks=pytest.mark.slow)
        for word in SUSPICIOUS
    ],
)
def test_a_suspect_becomes_a_row_and_all_else_is_answered(
    start: Pools, word: str
) -> None:
    words = ["good 0", "good 1", word, "good 2", "good 3"]
    found = answers(start("Perils"), *words)
    assert [verdict(answer.bad) for answer in found] == [
        SUSPICIOUS.get(word) for word in words
    ]
    assert [answer.blobs for answer in found if not answer.bad] == [
        [word.encode()] for word in words if word not in SUSPICIOUS
    ]


@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize(
    "words",
    [
        ["for-memory", "good 0", "good 1", "good 2"],
        pytest.param(
            ["good 0", "good 1", "good 2", "for-memory"], marks=pytest.mark.slow
        ),
        ["for-memory", "exit 1", "good 0", "good 1"],
    ],
)
def test_rows_depend_neither_on_the_order_nor_on_the_lanes(
    start: Pools, count: int, words: list[str]
) -> None:
    found = answers(start("Perils", count=count), *words)
    assert [verdict(answer.bad) for answer in found] == [
        SUSPICIOUS.get(word) for word in words
    ]


def test_each_death_lies_between_two_answered_requests(start: Pools) -> None:
    answers(start("Perils", count=1), "good", "exit 1")
    assert start.begun() == ["good", "exit 1", *["good", "exit 1", "good"] * 3]


def test_the_smallest_request_answered_well_is_the_proof(start: Pools) -> None:
    answers(start("Perils", count=1), "good with more", "good", "bad", "exit 1")
    assert start.begun()[3:6] == ["exit 1", "good", "exit 1"]


def test_one_suspicious_death_is_forgiven(start: Pools) -> None:
    words = ["for-memory-once", "good"]
    found = answers(start("Perils", count=1), *words)
    assert [answer.bad for answer in found] == [None, None]
    assert start.begun() == ["for-memory-once", "for-memory-once", "good"]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("words", [["exit 1"], ["exit 1", "for-memory"]])
def test_without_a_good_answer_nobody_is_blamed(
    start: Pools, count: int, words: list[str]
) -> None:
    with pytest.raises(SystemicFault, match="no photo was answered") as caught:
        list(start("Perils", count=count).answer(requests(*words)))
    assert (
        "photo exit 1" in f"{caught.value}" or "photo for-memory" in f"{caught.value}"
    )
    assert "more memory or fewer --lanes" in f"{caught.value}"


def test_lanes_that_die_over_everything_end_the_job(start: Pools) -> None:
    words = [f"exit {number}" for number in range(1, 60)]
    with pytest.raises(SystemicFault, match="no photo was answered"):
        list(start("Perils", count=1).answer(requests(*words)))
    assert len(set(start.begun())) < 15


def test_a_machine_that_no_longer_answers_is_to_blame(start: Pools) -> None:
    """The proof itself dies: whatever the suspect did, it was not alone in it."""
    words = ["abort-later good", "exit 1"]
    with pytest.raises(SystemicFault, match="was answered before ends its lane now"):
        list(start("Perils", count=1).answer(requests(*words)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_kill_from_outside_blames_nobody(start: Pools, number: int) -> None:
    with pytest.raises(SystemicFault, match="no photo is to blame: ended with code"):
        list(start("Perils", count=1).answer(requests("good", f"signal {int(number)}")))


def test_an_interrupt_does_not_reach_a_lane(start: Pools) -> None:
    word = f"signal {int(signal.SIGINT)}"
    assert [a.bad for a in answers(start("Perils", count=1), "good", word)] == [
        None
    ] * 2


def test_strikes_and_suspicions_of_one_photo_are_counted_apart(start: Pools) -> None:
    """A strike ends nothing: two of them do, as for any other photo."""
    found = answers(start("Perils", count=1), "good", "exit-or-abort")
    assert verdict(found[1].bad) == ("decoder-crash", "twice: SIGABRT")
