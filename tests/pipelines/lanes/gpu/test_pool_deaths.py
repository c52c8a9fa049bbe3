"""Deaths around the device: decoding lanes, the worker, everything, at any moment."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from pipelines.faults import SystemicFault
from pipelines.lanes.gpu.pool import DevicePool
from pipelines.lanes.messages import Request
from pipelines.lanes.settings import LaneLimits
from tests.runs.device_runs import DevicePools, ask, good, reasons, slots_in_use
from tests.runs.lane_runs import requests, wait_for
from tests.runs.processes import is_alive, memories, shared_names

ROOT = Path(__file__).parents[4]

PERILS = {
    "segfault": "decoder-crash",
    "abort": "decoder-crash",
    "exit 1": "decoder-crash",
    "spin": "timeout",
    "swell": "out-of-memory",
    "refused": "out-of-memory",
    "bad": "corrupt",
    "killed-once": None,
    "abort-once": None,
}


def blame_one(start_device: DevicePools, peril: str, place: str) -> None:
    word = f"{peril}@{place}"
    found = ask(start_device(batch=2), *good(3), word, *good(6)[3:])
    expected = PERILS[peril]
    assert reasons(found) == ({word: expected} if expected else {})


@pytest.mark.parametrize(("peril", "place"), [("abort", "before"), ("spin", "after")])
def test_a_decoding_lanes_death_is_its_photos(
    start_device: DevicePools, peril: str, place: str
) -> None:
    blame_one(start_device, peril, place)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("peril", PERILS)
def test_whatever_happens_around_the_device_the_right_photo_is_blamed(
    start_device: DevicePools, peril: str, place: str
) -> None:
    blame_one(start_device, peril, place)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_decoding_lane_that_only_waits_blames_nobody(
    start_device: DevicePools, place: str
) -> None:
    limits = LaneLimits(cpu_seconds=60, silence_seconds=1)
    pool = start_device(limits=limits)
    with pytest.raises(SystemicFault, match="no photo is to blame"):
        ask(pool, *good(3), f"sleep@{place}")
    wait_for(lambda: slots_in_use(pool) == 0)


def children() -> list[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


class Killer(threading.Thread):
    """Kills lanes of any kind at random moments, but none that is only starting.

    Args:
        kills: How many.
    """

    def __init__(self, kills: int):
        super().__init__()
        self._kills, self._random = kills, random.Random(kills)
        self._seen = dict[int, int]()
        self.is_over = threading.Event()
        self.decoding = set[int]()
        self.answered = self.done = 0

    def run(self) -> None:
        while self.done < self._kills and not self.is_over.wait(
            self._random.uniform(0, 0.05)
        ):
            if found := [pid for pid in children() if self._has_worked(pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._random.choice(found), signal.SIGKILL)
                    self.done += 1

    def _has_worked(self, pid: int) -> bool:
        if pid in self.decoding:
            return True
        try:
            is_device = b"CUDA" in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:  # gone meanwhile
            return False
        # More answers than there are slots: it has computed some of them.
        first = self._seen.setdefault(pid, self.answered)
        return is_device and self.answered - first > 40


def kill_at_random(pool: DevicePool, kills: int) -> None:
    """Asks about words until so many lanes were killed, and some more."""
    killer = Killer(kills)
    killer.start()

    def words() -> Iterator[str]:
        left = 50
        for number in itertools.count():
            left -= not killer.is_alive()
            if not left:
                return
            yield f"good@nowhere#{number}"

    asked, found = list[str](), Counter[int]()
    try:
        for number, answer in pool.answer(_requests(words(), asked)):
            killer.answered += 1
            killer.decoding.add(answer.reply["pid"])
            found[number] += 1
            assert answer.bad is None
            assert answer.reply["found"] == [asked[number].upper()]
    finally:
        killer.is_over.set()
        killer.join()
    assert killer.done == kills
    assert found == Counter(range(len(asked)))
    assert slots_in_use(pool) == 0


def _requests(words: Iterator[str], asked: list[str]) -> Iterator[tuple[int, Request]]:
    for number, word in enumerate(words):
        asked.append(word)
        yield number, Request({}, [word.encode()], name=word)


@pytest.mark.slow
def test_two_hundred_kills_at_random_moments(start_device: DevicePools) -> None:
    kill_at_random(start_device(lanes=2, batch=4), 200)


def test_a_few_kills_at_random_moments(start_device: DevicePools) -> None:
    kill_at_random(start_device(lanes=2, batch=4), 4)


WORKER = """
import sys
from pathlib import Path
from tests.runs.device_runs import DevicePools, good
from tests.runs.lane_runs import requests

pool = DevicePools(Path(sys.argv[1]))(lanes=2, batch=3, devices=2)
for _ in pool.answer(requests(*good(100_000))):
    print("answered", flush=True)
"""


@pytest.mark.parametrize("everything", [False, True])
def test_nothing_is_left_of_a_worker_that_is_killed(
    tmp_path: Path, everything: bool
) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, tmp_path], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    tasks = Path(f"/proc/{worker.pid}/task").glob("*/children")
    lanes = [int(pid) for task in tasks for pid in task.read_text().split()]
    assert len(lanes) == 4
    (slots,) = set.union(*(memories(pid) for pid in [worker.pid, *lanes]))
    for pid in [worker.pid, *(lanes if everything else [])]:
        os.kill(pid, signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    wait_for(lambda: not any(is_alive(pid) for pid in lanes))
    everybody = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    assert [pid for pid in everybody if slots in memories(pid)] == []
    assert shared_names(worker.pid, *lanes) == []


def test_a_caller_that_stops_leaves_the_pool_to_be_closed(
    start_device: DevicePools,
) -> None:
    others = {*children()}  # of tests that this process has run before
    pool = start_device()
    with contextlib.closing(_answers(pool)) as answers:
        next(answers)
    start = time.monotonic()
    pool.close()
    start_device.forget(pool)
    assert time.monotonic() - start < 5
    wait_for(lambda: {*children()} <= others)


def _answers(pool: DevicePool) -> Generator[object, None, None]:
    yield from pool.answer(requests(*good(1000)))
