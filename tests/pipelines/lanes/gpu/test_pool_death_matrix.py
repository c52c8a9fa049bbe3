"""Who dies, how and when: decoding lanes beside a batch, the worker, everything.

What befalls decoding lanes before and after a batch is in `test_pool_deaths`, what
befalls the device's lane in `test_driver`. Here a batch, or what is before or after it,
waits until the test has done its deed.
"""

import contextlib
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
from tests.runs.device_runs import (
    DevicePools,
    ask,
    good,
    lanes_of,
    reasons,
    slots_in_use,
)
from tests.runs.lane_runs import wait_for
from tests.runs.processes import is_alive, shared_names

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
PLACES = ["before", "device", "after"]


def begun(journal: Path, word: str) -> int:
    """Returns how often something was begun."""
    if not journal.exists():
        return 0
    lines = journal.read_text().splitlines()
    return sum(line.endswith(f" begin {word}") for line in lines)


def let_go(journal: Path) -> None:
    journal.with_name("go").touch()


@contextlib.contextmanager
def meanwhile(deed: Callable[[], None]) -> Iterator[None]:
    """Does something beside the block, and raises what it raised."""
    raised = list[BaseException]()

    def run() -> None:
        try:
            deed()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()
    assert raised == []


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
def test_decoding_lanes_that_die_beside_a_batch_decide_nothing(
    start_device: DevicePools, sign: signal.Signals
) -> None:
    pool = start_device(batch=2)

    def deed() -> None:
        wait_for(lambda: begun(start_device.journal, "wait@device") > 0)
        lanes = lanes_of(os.getpid(), device=False)
        assert len(lanes) == 2
        for pid in lanes:
            os.kill(pid, sign)
        time.sleep(0.3)
        if sign is signal.SIGSTOP:
            for pid in lanes:
                os.kill(pid, signal.SIGCONT)
        let_go(start_device.journal)

    with meanwhile(deed):
        assert reasons(ask(pool, "wait@device", *good(12))) == {}


@pytest.mark.parametrize(
    ("peril", "reason"),
    [
        ("segfault", "decoder-crash"),
        ("spin", "timeout"),
        ("bad", "corrupt"),
        ("refused", "out-of-memory"),
        ("swell", "out-of-memory"),
    ],
)
def test_a_photo_that_is_decoded_beside_a_batch_is_the_one_to_blame(
    start_device: DevicePools, peril: str, reason: str
) -> None:
    word = f"{peril}@before"
    pool = start_device(batch=1)

    def deed() -> None:
        wait_for(lambda: begun(start_device.journal, "wait@device") > 0)
        wait_for(lambda: begun(start_device.journal, word) > 0)
        let_go(start_device.journal)

    with meanwhile(deed):
        found = ask(pool, "wait@device", *good(4), word, *good(6)[4:])
    assert reasons(found) == {word: reason}


@pytest.mark.parametrize("place", ["early", "device", "late"])
def test_a_device_that_hangs_is_its_photos(
    start_device: DevicePools, place: str
) -> None:
    word = f"sleep@{place}"
    pool = start_device(batch=2, silence_seconds=1.5)
    assert reasons(ask(pool, *good(3), word)) == {word: "inference-error"}


WORKER = """
import json, signal, sys
from pathlib import Path
from tests.runs.device_runs import DevicePools, ask

def out_of_memory(*_):
    raise MemoryError

def raised(*_):
    raise RuntimeError("drawn by a test")

signal.signal(signal.SIGUSR1, raised)
signal.signal(signal.SIGUSR2, out_of_memory)
pools = DevicePools(Path(sys.argv[1]))
try:
    found = ask(pools(lanes=2, batch=3), *sys.argv[2:])
finally:
    pools.close()
print(json.dumps({word: answer.bad is None for word, answer in found.items()}))
"""

DEATHS = {
    "killed": signal.SIGKILL,
    "crashed": signal.SIGSEGV,
    "raised": signal.SIGUSR1,
    "memory": signal.SIGUSR2,
    "hangs": signal.SIGSTOP,
}


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("death", DEATHS)
def test_a_worker_that_dies_leaves_nothing_and_that_hangs_goes_on(
    *, tmp_path: Path, death: str, place: str, everything: bool
) -> None:
    words, journal = [*good(7), f"wait@{place}"], tmp_path / "journal"
    command = [sys.executable, "-c", WORKER, os.fspath(tmp_path), *words]
    worker = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    wait_for(lambda: begun(journal, f"wait@{place}") > 0)
    lanes = lanes_of(worker.pid, device=True) + lanes_of(worker.pid, device=False)
    assert len(lanes) == 3
    strike(worker.pid, lanes if everything else [], DEATHS[death])
    if death == "hangs":
        time.sleep(0.3)
        let_go(journal)
        for pid in [*lanes, worker.pid]:
            os.kill(pid, signal.SIGCONT)
    output, _ = worker.communicate(timeout=30)
    assert (worker.returncode == 0) == (death == "hangs")
    if death == "hangs":
        assert json.loads(output) == dict.fromkeys(words, True)
    wait_for(lambda: not any(is_alive(pid) for pid in lanes))
    assert shared_names(worker.pid, *lanes) == []


def strike(worker: int, lanes: list[int], sign: signal.Signals) -> None:
    """Has a worker die or hang, after lanes of its; those cannot raise from outside."""
    is_caught = sign in (signal.SIGUSR1, signal.SIGUSR2)
    for pid in lanes:
        os.kill(pid, signal.SIGKILL if is_caught else sign)
    os.kill(worker, sign)


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_error_of_a_decoding_lane_is_no_photos(
    start_device: DevicePools, place: str
) -> None:
    pool = start_device()
    with pytest.raises(SystemicFault, match="not one photo's fault"):
        ask(pool, *good(3), f"bug@{place}")
    wait_for(lambda: slots_in_use(pool) == 0)
