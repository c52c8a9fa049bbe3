"""The script, with programs in Java's place: wrong use and deaths are one line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.deploy.flink import cluster
from pipelines.deploy.flink.local_cluster import Cluster
from pipelines.deploy.flink.processes import Process
from tests.pipelines.deploy.flink.test_jars import program
from tests.runs.processes import ROOT

DIES = """#!/bin/sh
case "$*" in
  *-version*) echo 'openjdk version "17.0.1"' >&2 ;;
  *TaskManagerRunner*) echo "no memory for this" >&2; exit 3 ;;
  *) sleep 100 ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a jar, and a `java` whose TaskManagers die."""
    program(tmp_path / "programs", "java", DIES)
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:{os.environ['PATH']}")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    made = tmp_path / "flink"
    (made / "lib").mkdir(parents=True)
    (made / "lib" / "flink.jar").touch()
    return made


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    code = cluster.main([os.fspath(word) for word in words])
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("cluster: ")]
    assert len(lines) == (code != 0) and "Traceback" not in error
    return code, lines[0] if lines else ""


def test_a_start_whose_process_dies(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = run(capsys, "start", "--folder", folder)
    assert code == 1
    assert "taskmanager-1 has died" in line and "no memory for this" in line
    assert not (folder / "cluster.json").exists()
    assert not (folder / "tmp").exists()
    code, line = run(capsys, "stop", "--folder", folder)
    assert code == 2 and "got no cluster there" in line


@pytest.mark.parametrize("action", ["stop", "status"])
def test_nothing_was_started(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = run(capsys, action, "--folder", tmp_path)
    assert code == 2
    assert "expected one that was started" in line


def leave(folder: Path, **changed: object) -> Process:
    """Writes the state of a cluster with one process, which runs."""
    log = folder / "log"
    process = Process.start(
        "jobmanager",
        [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(100)"],
        log,
        environment=os.environ,
        folder=folder,
    )
    names = ("job", "web", "pool", "rpc", "artifacts", "expansion")
    state = {
        "java": "java",
        "jars": str(folder / "lib"),
        "ports": dict.fromkeys(names, 1),
        "task_managers": 2,
        "processes": [process.to_json() | changed],
    }
    (folder / "cluster.json").write_text(json.dumps(state))
    return process


def test_a_second_start(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = leave(folder)
    code, line = run(capsys, "start", "--folder", folder)
    assert code == 2
    assert "got a cluster that runs there" in line and "stop it first" in line
    assert process.is_running()
    assert run(capsys, "stop", "--folder", folder)[0] == 0
    assert not process.is_running()
    assert not (folder / "cluster.json").exists()


def test_a_dead_process_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = leave(folder)
    process.kill()
    (folder / "log").write_text("first\nlast words\n")
    code = cluster.main(["status", "--folder", str(folder)])
    printed = capsys.readouterr()
    assert code == 1
    assert "has died" in printed.out and "  last words" in printed.out
    assert "jobmanager has died" in printed.err


def test_a_foreign_process_with_an_old_id_is_not_stopped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = leave(folder, birth="1")
    try:
        assert run(capsys, "stop", "--folder", folder)[0] == 0
        assert process.is_running()
    finally:
        process.kill()


def test_a_damaged_state(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cluster.json").write_text("{")
    code, line = run(capsys, "stop", "--folder", folder)
    assert code == 1 and "expected JSON of a start" in line


def test_two_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holds = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); "
        "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(100)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, folder / ".lock"], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline()
        code, line = run(capsys, "start", "--folder", folder)
        other.kill()
    assert code == 2 and "another start or stop at work" in line


@pytest.mark.parametrize(
    "words",
    [
        ("begin", "--folder", "x"),
        ("start",),
        ("start", "--folder", "x", "--task_managers", "0"),
        ("start", "--folder", "x", "--job_port", "many"),
    ],
)
def test_wrong_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *words)[0] == 2


def test_an_interrupted_start_leaves_nothing(folder: Path) -> None:
    """Its TaskManagers live here, and never have a slot."""
    java = (folder.parent / "programs" / "java").read_text()
    program(folder.parent / "programs", "java", java.replace("exit 3", "exec sleep 99"))
    words = [sys.executable, "-m", "pipelines.deploy.flink.cluster", "start"]
    started = subprocess.Popen([*words, "--folder", folder], cwd=ROOT)
    try:
        state = folder / "cluster.json"
        known: list[Process] = []
        while len(known) < 5:
            assert started.poll() is None
            known = (
                list(Cluster.open(folder).processes.values()) if state.exists() else []
            )
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 130
    finally:
        started.kill()
    assert not [process for process in known if process.is_running()]
    assert not state.exists()
