"""Lanes: every request is answered, and a death is blamed on whom it is due."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.faults import SystemicFault
from pipelines.lanes.pool import LanePool, close_all, shared_pool
from pipelines.lanes.request import Request
from pipelines.lanes.settings import LaneLimits, LaneSettings

LIMITS = LaneLimits(cpu_seconds=0.3, memory_bytes=256 << 20)

Start = Callable[..., LanePool]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts pools of doubles, and ends them with the test."""
    pools = []

    def start(
        task: str, *, count: int = 2, limits: LaneLimits = LIMITS, **config: str
    ) -> LanePool:
        if task == "Perils":
            config["journal"] = os.fspath(tmp_path / "journal")
        pool = LanePool(settings(task, count=count, limits=limits, **config))
        pools.append(pool)
        return pool

    yield start
    for pool in pools:
        pool.close()


def settings(
    task: str, *, count: int = 2, limits: LaneLimits = LIMITS, **config: str
) -> LaneSettings:
    name = f"tests.doubles.lane:{task}"
    return LaneSettings(name, json.dumps(config), count, limits)


def requests(*words: str) -> list[Request]:
    return [
        Request(key=number, header={"word": word}, blobs=[word.encode()])
        for number, word in enumerate(words)
    ]


def answers(pool: LanePool, *words: str) -> list[Request]:
    done = sorted(pool.answer(requests(*words)), key=lambda request: request.key)
    assert [request.header["word"] for request in done] == list(words)
    return done


def journal(tmp_path: Path) -> list[tuple[float, str, str]]:
    """Returns (time, begin or end, word) of every try."""
    lines = (tmp_path / "journal").read_text().splitlines()
    return [
        (float(t), kind, w) for t, kind, w in (line.split(" ", 2) for line in lines)
    ]


def test_blobs_come_back_as_they_went(start: Start) -> None:
    blobs = [b"", b"\0\n", os.urandom(3 << 20)]
    request = Request(key="k", header={"ä": [1, None, "\0"]}, blobs=blobs)
    (done,) = start("Echo", who="me").answer([request])
    assert done.reply is not None
    assert done.reply["header"] == {"ä": [1, None, "\0"]}
    assert done.reply["config"] == {"who": "me"}
    assert done.reply_blobs == blobs
    assert done.bad is None


def test_results_do_not_depend_on_the_number_of_lanes(start: Start) -> None:
    words = [f"good {number}" for number in range(12)]
    one, three = (
        [(r.header, r.reply_blobs) for r in answers(start("Perils", count=n), *words)]
        for n in (1, 3)
    )
    assert one == three


def test_native_prints_do_not_reach_the_pipe(start: Start) -> None:
    done = answers(start("Loud", count=1), *[f"good {n}" for n in range(5)])
    assert [request.reply_blobs for request in done] == [
        [f"good {n}".encode()] for n in range(5)
    ]


def test_a_lane_inherits_no_credential_and_dies_first(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "canary-4711"
    for name in (
        "AWS_SECRET_ACCESS_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "HF_TOKEN",
        "FCN_ANYTHING",
        "PASSWORD",
    ):
        monkeypatch.setenv(name, canary)
    (done,) = start("Surroundings", count=1).answer(requests("good"))
    assert done.reply is not None
    assert canary not in json.dumps(done.reply["environment"])
    assert done.reply["environment"]["OMP_NUM_THREADS"] == "1"
    assert done.reply["session"] != done.reply["parents_session"]
    assert done.reply["core_limit"] == 0
    assert done.reply["oom_score_adj"] == 1000
    # stdin, the old stdout, stderr, its own memory, replies, and the listing itself
    assert len(done.reply["open_files"]) <= 6


def test_the_folder_one_is_in_does_not_replace_our_code(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = tmp_path / "pipelines" / "lane.py"
    impostor.parent.mkdir()
    (impostor.parent / "__init__.py").touch()
    impostor.write_text("raise SystemExit('an impostor')")
    monkeypatch.chdir(tmp_path)
    (done,) = start("Echo", count=1).answer(requests("good"))
    assert done.reply is not None


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
    start: Start, tmp_path: Path, poison: str, reason: str
) -> None:
    good = [f"good {number}" for number in range(6)]
    words = [*good[:3], poison, *good[3:]]
    done = {
        request.header["word"]: request for request in answers(start("Perils"), *words)
    }
    assert [w for w in good if done[w].reply_blobs != [w.encode()]] == []
    verdict = done[poison].bad
    assert verdict is not None
    assert (verdict.reason, verdict.stage) == (reason, "decode")
    assert done[poison].reply is None

    begun = [word for _, kind, word in journal(tmp_path) if kind == "begin"]
    assert begun.count(poison) == 2


def test_the_second_try_is_alone(start: Start, tmp_path: Path) -> None:
    long = [f"long {number}" for number in range(8)]
    answers(start("Perils"), long[0], "abort", *long[1:])
    tries = journal(tmp_path)
    begins = {word: at for at, kind, word in tries if kind == "begin"}  # the last
    ends = {word: at for at, kind, word in tries if kind == "end"}
    assert sum(word == "abort" for _, _, word in tries) == 2
    running = [word for word in long if begins[word] < begins["abort"] < ends[word]]
    assert running == []


def test_two_poisons_at_once_do_not_wait_for_each_other_for_ever(start: Start) -> None:
    done = answers(start("Perils", count=2), *["abort"] * 2, *["good"] * 3)
    reasons = [request.bad.reason if request.bad else None for request in done]
    assert reasons == ["decoder-crash"] * 2 + [None] * 3


def test_one_strike_is_forgiven(start: Start) -> None:
    (done,) = answers(start("Perils", count=1), "abort-once")
    assert done.bad is None
    assert done.reply_blobs == [b"abort-once"]


def test_a_death_by_another_hand_blames_nobody(start: Start, tmp_path: Path) -> None:
    done = answers(start("Perils"), "good", "killed-once", "good too")
    assert [request.bad for request in done] == [None] * 3
    begun = [word for _, kind, word in journal(tmp_path) if kind == "begin"]
    assert begun.count("killed-once") == 2


def test_a_death_that_repeats_without_a_culprit_is_systemic(
    start: Start, tmp_path: Path
) -> None:
    with pytest.raises(SystemicFault, match="no photo is to blame"):
        list(start("Perils", count=1).answer(requests("good", "killed")))
    begun = [word for _, kind, word in journal(tmp_path) if kind == "begin"]
    assert begun.count("killed") == 3


def test_a_refused_photo_keeps_its_lane(start: Start) -> None:
    done = answers(start("Perils", count=1), "good", "bad", "good too")
    verdict = done[1].bad
    assert verdict is not None
    assert (verdict.reason, verdict.detail) == ("corrupt", "drawn by a test")
    assert done[0].reply is not None
    assert done[2].reply is not None
    assert done[0].reply["pid"] == done[2].reply["pid"]


def test_a_request_with_a_verdict_never_reaches_a_lane(
    start: Start, tmp_path: Path
) -> None:
    from fcn_core.bad_image import BadImage

    read_failed, good = requests("segfault", "good")
    read_failed.bad = BadImage("vanished", "gone", stage="read")
    done = list(start("Perils", count=1).answer([read_failed, good]))
    assert {request.key for request in done} == {0, 1}
    assert [word for _, _, word in journal(tmp_path)] == ["good", "good"]


def test_code_that_fails_is_systemic(start: Start) -> None:
    with pytest.raises(SystemicFault, match="not one photo's fault"):
        list(start("Perils", count=1).answer(requests("bug")))


def test_the_pool_goes_on_after_a_fault(start: Start) -> None:
    pool = start("Perils", count=1)
    with pytest.raises(SystemicFault):
        list(pool.answer(requests("bug")))
    assert answers(pool, "good")[0].reply_blobs == [b"good"]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("NoModel", "the model m does not load"),
        ("CrashingModel", "a lane does not start: SIGABRT"),
        ("Missing", "Missing"),
    ],
)
def test_a_task_that_does_not_start_is_systemic(
    start: Start, task: str, message: str
) -> None:
    with pytest.raises(SystemicFault, match=message):
        list(start(task, count=1, name="m").answer(requests("good", "good")))


def test_a_silent_lane_is_nobodys_strike(start: Start) -> None:
    limits = LaneLimits(cpu_seconds=60, silence_seconds=0.5)
    with pytest.raises(SystemicFault, match="no photo is to blame"):
        list(start("Perils", count=1, limits=limits).answer(requests("sleep")))


def test_a_lane_that_hung_up_is_taken_down(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.lanes.process._LEAVE_SECONDS", 0.3)
    pool = start("Perils", count=1)
    (done,) = answers(pool, "good")
    assert done.reply is not None
    replies = replies_descriptor(done.reply["pid"])
    with pytest.raises(SystemicFault, match="no photo is to blame"):
        list(pool.answer(requests(f"leave {replies}")))


def replies_descriptor(pid: int) -> int:
    """Returns the number of a lane's pipe of replies: the last that it opened."""
    return max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())


def test_a_lane_that_grew_is_replaced(start: Start) -> None:
    limits = LaneLimits(memory_bytes=256 << 20, recycle_bytes=60 << 20)
    done = answers(start("Perils", count=1, limits=limits), "good", "grow", "good too")
    pids = [request.reply["pid"] for request in done if request.reply]
    assert pids[0] == pids[1] != pids[2]
    assert all(not is_alive(pid) for pid in pids[:2])


def test_the_cpu_limit_is_each_requests_own(start: Start) -> None:
    limits = LaneLimits(cpu_seconds=0.5)
    pool = start("Burn", count=1, limits=limits)
    done = answers(pool, *["0.45"] * 3)
    assert [request.bad for request in done] == [None] * 3


def test_requests_are_taken_as_they_are_needed(start: Start) -> None:
    taken = []

    def endless() -> Iterator[Request]:
        for number in range(10**6):
            taken.append(number)
            yield Request(key=number, header={}, blobs=[b"good"])

    replies = start("Perils").answer(endless())
    for _ in range(6):
        next(replies)
    assert len(taken) <= 6 + 2 * 2


def test_equal_settings_share_one_pool_of_the_process() -> None:
    found: list[LanePool] = []
    wanted = settings("Echo")
    try:
        threads = [
            threading.Thread(target=lambda: found.append(shared_pool(wanted)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(map(id, found))) == 1
        assert shared_pool(settings("Echo", count=3)) is not found[0]
    finally:
        close_all()
    assert shared_pool(wanted) is not found[0]
    close_all()


def test_closing_a_pool_ends_its_lanes(start: Start) -> None:
    pool = start("Echo")
    pids = {r.reply["pid"] for r in answers(pool, *["x"] * 8) if r.reply}
    pool.close()
    assert [pid for pid in pids if is_alive(pid)] == []


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


OWNER = """
import sys
from pipelines.lanes import pool
from tests.pipelines.lanes import test_pool
lanes = pool.LanePool(test_pool.settings("Perils", journal=sys.argv[1]))
replies = lanes.answer(test_pool.requests("good", "good", *sys.argv[2:]))
for _ in range(2):
    print(next(replies).reply["pid"], flush=True)
list(replies)
"""


def test_lanes_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    words = [os.fspath(tmp_path / "journal"), "sleep", "sleep"]
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, *words], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    try:
        pids = {int(owner.stdout.readline()) for _ in range(2)}
        wait_for(lambda: (tmp_path / "journal").read_text().count("sleep") == 2)
        assert all(is_alive(pid) for pid in pids)
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
    wait_for(lambda: not any(is_alive(pid) for pid in pids))


def wait_for(what: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
