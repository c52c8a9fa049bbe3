"""Flink as an engine: a job server that runs, or a cluster's address."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipelines.faults import JobFault, SystemicFault, UsageError
from pipelines.runners import engines
from pipelines.runners.engine import Command, Engine
from tests.runs import engine_runs
from tests.runs.engine_runs import Server

POOL = ["--environment_type=EXTERNAL", "--environment_config=localhost:50000"]


@pytest.fixture(autouse=True)
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has Java, as far as anybody looks."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))


def choose(*flags: str) -> Engine:
    return engines.choose(["--runner=FlinkRunner", *flags], Command("/nowhere/out"))


def refusal(flags: Sequence[str], kind: type[JobFault] = UsageError) -> str:
    with pytest.raises(kind) as caught:
        choose(*flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_cluster_is_named() -> None:
    line = refusal(POOL)
    assert line.startswith("--job_endpoint is missing, expected host:port of Flink's")
    assert "--flink_master" in line


def test_a_job_server_is_asked(pool: Server, job_server: Server) -> None:
    words = engine_runs.flags(pool, job_server=job_server)[1:]
    engine = choose(*words, "--no_wait_until_finish")
    assert (engine.name, engine.is_remote, engine.waits) == ("FlinkRunner", True, False)


def test_a_cluster_that_does_not_answer_is_one_line() -> None:
    master = f"127.0.0.1:{engine_runs.free_port()}"
    line = refusal([f"--flink_master=http://{master}", *POOL], SystemicFault)
    assert line.startswith(f"--flink_master: got no answer from http://{master}")


def test_a_job_server_of_our_own_ends_with_the_launcher() -> None:
    line = refusal(["--flink_master=[local]", "--no_wait_until_finish"])
    assert line.startswith("--no_wait_until_finish: got it with --flink_master")


def test_a_flink_inside_the_job_server_takes_the_launchers_workers() -> None:
    engine = choose("--flink_master=[local]")
    assert (engine.name, engine.is_remote) == ("FlinkRunner", False)


def test_a_machine_without_java_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", "/nowhere")
    line = refusal(["--flink_master=[local]"], SystemicFault)
    assert line.startswith("--flink_master: got no java on this machine")
