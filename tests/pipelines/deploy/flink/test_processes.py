"""Processes are known by id and birth: never is another one hit."""

import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.deploy.flink.processes import Process, session_of
from tests.runs.lane_runs import wait_for

SLEEPS = "import time; time.sleep(100)"
WITH_A_CHILD = (
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{SLEEPS}'])"
)


def start(folder: Path, code: str) -> Process:
    words = [sys.executable, "-c", code]
    environment = dict(os.environ)
    log = folder / "log"
    return Process.start("one", words, log, environment=environment, folder=folder)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    started = start(tmp_path, SLEEPS)
    yield started
    started.kill()


def read_back(process: Process) -> Process:
    return Process.of_json(json.loads(json.dumps(process.to_json())))


def test_another_command_finds_and_ends_it(process: Process) -> None:
    again = read_back(process)
    assert again == process and again.is_running()
    again.send(signal.SIGTERM)
    assert again.wait(20)
    assert not process.is_running()


def test_a_process_with_its_id_but_another_birth_is_not_it(process: Process) -> None:
    other = dataclasses.replace(read_back(process), birth="1")
    assert not other.is_running()
    other.kill()
    assert process.is_running()
    assert session_of(other) == []


def test_it_is_waited_for_no_longer_than_asked(process: Process) -> None:
    began = time.monotonic()
    assert not process.wait(0.1)
    assert time.monotonic() - began < 5


def test_what_it_left_in_its_session_is_found(tmp_path: Path) -> None:
    parent = start(tmp_path, WITH_A_CHILD)
    wait_for(lambda: bool(session_of(parent)))
    parent.kill()
    (child,) = session_of(parent)
    assert child.is_running()
    child.kill()
    assert session_of(parent) == []


def test_a_dead_one_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = start(tmp_path, "print('a port is taken\\n\\tat some.Java(line)')")
    assert process.wait(20)
    assert "one has died" in process.epitaph()
    assert process.epitaph().endswith("a port is taken")
    process.log.unlink()
    assert process.epitaph().endswith("none")
