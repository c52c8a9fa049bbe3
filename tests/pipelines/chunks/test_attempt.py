"""An attempt: a stop of its own, and each resource opened once and closed."""

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.faults import Interrupted


class Resource:
    """Notes when it is opened and closed."""

    def __init__(self, name: str, log: list[str]):
        self._name, self._log = name, log
        log.append(f"open {name}")

    def close(self) -> None:
        self._log.append(f"close {self._name}")


def test_what_was_opened_is_closed_the_last_first() -> None:
    log: list[str] = []
    with Attempt() as attempt:
        for name in ("a", "b", "a", "c"):
            attempt.keep(name, lambda name=name: Resource(name, log))  # type: ignore[misc]
    assert log == ["open a", "open b", "open c", "close c", "close b", "close a"]


def test_of_many_threads_one_opens_for_all() -> None:
    log: list[str] = []
    found: list[Resource] = []

    def ask() -> None:
        barrier.wait()
        found.append(attempt.keep("pool", lambda: Resource("pool", log)))

    barrier = threading.Barrier(8)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    with Attempt() as attempt:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({id(resource) for resource in found}) == 1
    assert log == ["open pool", "close pool"]


def test_what_does_not_open_is_tried_again() -> None:
    log: list[str] = []

    def fail() -> Resource:
        raise OSError("no process")

    with Attempt() as attempt:
        with pytest.raises(OSError, match="no process"):
            attempt.keep("pool", fail)
        attempt.keep("pool", lambda: Resource("pool", log))
    assert log == ["open pool", "close pool"]


def test_an_error_closes_everything() -> None:
    log: list[str] = []
    with pytest.raises(KeyError), Attempt() as attempt:
        attempt.keep("pool", lambda: Resource("pool", log))
        raise KeyError
    assert log[-1] == "close pool"


def test_a_late_worker_opens_nothing_that_nobody_would_close() -> None:
    log: list[str] = []
    with Attempt() as attempt:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        attempt.keep("pool", lambda: Resource("pool", log))
    assert log == []


def test_a_forgotten_attempt_closes_what_it_opened() -> None:
    log: list[str] = []
    attempt = Attempt()
    attempt.close_when_forgotten()
    attempt.keep("pool", lambda: Resource("pool", log))
    assert log == ["open pool"]
    del attempt
    gc.collect()
    assert log == ["open pool", "close pool"]


ENDS = """
from pipelines.chunks.attempt import Attempt
from tests.pipelines.chunks.test_attempt import Resource

class Said(list):
    append = staticmethod(print)

attempt = Attempt()
attempt.close_when_forgotten()
attempt.keep("pool", lambda: Resource("pool", Said()))
"""


def test_an_attempt_that_nobody_closes_ends_with_its_process() -> None:
    run = subprocess.run(
        [sys.executable, "-c", ENDS],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split("\n") == ["open pool", "close pool", ""]


def test_a_stop_is_one_attempts_own() -> None:
    stopped, other = Attempt(), Attempt()
    stopped.check_stop()
    stopped.request_stop()
    with pytest.raises(Interrupted, match="run the same command again"):
        stopped.check_stop()
    other.check_stop()
