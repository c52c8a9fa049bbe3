"""A pool: every request is answered, and a death is blamed on whom it is due."""

import os
import threading
from collections.abc import Iterator

import pytest

from fcn_core.bad_image import BadImage
from pipelines.chunks.attempt import Attempt
from pipelines.faults import SystemicFault
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.pool import Answering, pool_of
from tests.runs.lane_runs import Pools, answers, requests, settings
from tests.runs.processes import is_alive


def test_blobs_come_back_as_they_went(start: Pools) -> None:
    blobs = [b"", b"\0\n", os.urandom(3 << 20)]
    request = Request({"ä": [1, None, "\0"]}, blobs)
    ((key, answer),) = start("Echo", who="me").answer([("k", request)])
    assert key == "k"
    assert answer.reply["header"] == {"ä": [1, None, "\0"]}
    assert answer.reply["config"] == {"who": "me"}
    assert answer.blobs == blobs
    assert answer.bad is None


def test_results_do_not_depend_on_the_number_of_lanes(start: Pools) -> None:
    words = [f"good {number}" for number in range(12)]
    by_one, by_three = (
        [(answer.reply["header"], answer.blobs) for answer in found]
        for found in (answers(start("Perils", count=n), *words) for n in (1, 3))
    )
    assert by_one == by_three
    assert [header["word"] for header, _ in by_one] == words


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        ("abort", "decoder-crash"),
        ("segfault", "decoder-crash"),
        ("spin", "timeout"),
        ("swell", "out-of-memory"),
    ],
)
def test_a_poison_is_tried_twice_and_all_else_is_answered(
    start: Pools, poison: str, reason: str
) -> None:
    good = [f"good {number}" for number in range(6)]
    words = [*good[:3], poison, *good[3:]]
    answer_of = dict(zip(words, answers(start("Perils"), *words), strict=True))
    assert [w for w in good if answer_of[w].blobs != [w.encode()]] == []
    verdict = answer_of[poison].bad
    assert verdict is not None
    assert (verdict.reason, verdict.stage) == (reason, "decode")
    assert answer_of[poison].reply == {}
    assert start.begun().count(poison) == 2


def test_the_second_try_is_alone(start: Pools) -> None:
    long = [f"long {number}" for number in range(8)]
    answers(start("Perils"), long[0], "abort", *long[1:])
    tries = start.journal()
    begins = {word: at for at, kind, word in tries if kind == "begin"}  # the last
    ends = {word: at for at, kind, word in tries if kind == "end"}
    assert sum(word == "abort" for _, _, word in tries) == 2
    running = [word for word in long if begins[word] < begins["abort"] < ends[word]]
    assert running == []


def test_two_poisons_at_once_do_not_wait_for_each_other_for_ever(start: Pools) -> None:
    found = answers(start("Perils", count=2), *["abort"] * 2, *["good"] * 3)
    reasons = [answer.bad.reason if answer.bad else None for answer in found]
    assert reasons == ["decoder-crash"] * 2 + [None] * 3


def test_one_strike_is_forgiven(start: Pools) -> None:
    (answer,) = answers(start("Perils", count=1), "abort-once")
    assert answer.bad is None
    assert answer.blobs == [b"abort-once"]


def test_a_death_from_outside_blames_nobody(start: Pools) -> None:
    found = answers(start("Perils"), "good", "killed-once", "good too")
    assert [answer.bad for answer in found] == [None] * 3
    assert start.begun().count("killed-once") == 2


def test_a_death_that_repeats_without_a_culprit_is_systemic(start: Pools) -> None:
    with pytest.raises(SystemicFault, match="no photo is to blame"):
        list(start("Perils", count=1).answer(requests("good", "killed")))
    assert start.begun().count("killed") == 3


def test_a_refused_photo_keeps_its_lane(start: Pools) -> None:
    found = answers(start("Perils", count=1), "good", "bad", "good too")
    verdict = found[1].bad
    assert verdict is not None
    assert (verdict.reason, verdict.detail) == ("corrupt", "drawn by a test")
    assert found[0].bad is None
    assert found[2].bad is None
    assert found[0].reply["pid"] == found[2].reply["pid"]


def test_a_known_answer_never_reaches_a_lane(start: Pools) -> None:
    vanished = Answer(bad=BadImage("vanished", "gone", stage="read"))
    (good,) = requests("good")
    found = dict(start("Perils", count=1).answer([("known", vanished), good]))
    assert set(found) == {"known", 0}
    assert found["known"] is vanished
    assert [word for _, _, word in start.journal()] == ["good", "good"]


def test_code_that_fails_is_systemic(start: Pools) -> None:
    with pytest.raises(SystemicFault, match="not one photo's fault"):
        list(start("Perils", count=1).answer(requests("bug")))


def test_the_pool_goes_on_after_a_fault(start: Pools) -> None:
    pool = start("Perils", count=1)
    with pytest.raises(SystemicFault):
        list(pool.answer(requests("bug")))
    assert answers(pool, "good")[0].blobs == [b"good"]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("NoModel", "the model m does not load"),
        ("CrashingModel", "a lane does not start: SIGABRT"),
        ("Missing", "Missing"),
    ],
)
def test_a_task_that_does_not_start_is_systemic(
    start: Pools, task: str, message: str
) -> None:
    with pytest.raises(SystemicFault, match=message):
        list(start(task, count=1, name="m").answer(requests("good", "good")))


def test_requests_are_taken_as_they_are_needed(start: Pools) -> None:
    taken = []

    def endless() -> Iterator[tuple[int, Request]]:
        for number in range(10**6):
            taken.append(number)
            yield number, Request({}, [b"good"])

    replies = start("Perils").answer(endless())
    for _ in range(6):
        next(replies)
    assert len(taken) <= 6 + 2 * 2


def test_equal_settings_share_one_pool_of_an_attempt() -> None:
    found: list[Answering] = []
    with Attempt() as attempt, Attempt() as other:
        threads = [
            threading.Thread(
                target=lambda: found.append(pool_of(attempt, settings("Echo", a="b")))
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(map(id, found))) == 1
        assert pool_of(attempt, settings("Echo", count=3, a="b")) is not found[0]
        assert pool_of(attempt, settings("Echo", a="c")) is not found[0]
        assert pool_of(other, settings("Echo", a="b")) is not found[0]


def test_closing_an_attempt_ends_its_lanes() -> None:
    with Attempt() as attempt:
        found = answers(pool_of(attempt, settings("Echo")), *["x"] * 8)
        pids = {answer.reply["pid"] for answer in found}
        assert pids
    assert [pid for pid in pids if is_alive(pid)] == []


def test_closing_a_pool_ends_its_lanes(start: Pools) -> None:
    pool = start("Echo")
    pids = {answer.reply["pid"] for answer in answers(pool, *["x"] * 8)}
    pool.close()
    assert pids
    assert [pid for pid in pids if is_alive(pid)] == []
