"""A job whose workers are other processes: its end, its faults, and Ctrl-C."""

import contextlib
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.job import ChunkJob, Steps
from pipelines.faults import AboveThreshold, JobFault, SystemicFault
from pipelines.runners import engines, launch, remote
from pipelines.runners.engine import Command, Engine
from tests.doubles.chunk import (
    CountingWorker,
    Diary,
    Ending,
    FaultyWorker,
    SharingWorker,
    Step,
    WaitingWorker,
)
from tests.runs import engine_runs
from tests.runs.engine_runs import Server
from tests.runs.lane_runs import wait_for


@pytest.fixture
def engine(threads: Server) -> Engine:
    return engines.choose(engine_runs.flags(threads), Command("/nowhere/out"))


def fault(job: ChunkJob, engine: Engine, attempt: Attempt) -> str:
    """Returns the one line that a job ends with."""
    with pytest.raises(SystemicFault) as caught:
        launch.run(job, engine, attempt)
    assert "\n" not in str(caught.value)
    assert "while running" not in str(caught.value)
    return str(caught.value)


def test_another_process_does_the_work_and_the_end(
    diary: Diary, engine: Engine, threads: Server, attempt: Attempt
) -> None:
    job = ChunkJob(SharingWorker(diary), 21, Ending(diary), planned=63)
    assert launch.run(job, engine, attempt) is None
    assert "finish 42 21 63" in diary.words()
    assert f"open in {threads.process.pid}" in diary.words()
    # Its parts are gone, as those of many jobs at their end, or were never there.
    counts = attempt.tally.counts
    assert (counts.ok, counts.failed, counts.computed) == (42, 21, 63)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("systemic", "the model m is gone; bring it back"),
        ("full", "/out/part: got no space left on device, "),
        ("bug", "--runner=PortableRunner: job "),
    ],
)
def test_a_workers_fault_is_one_line(
    diary: Diary, engine: Engine, attempt: Attempt, kind: str, line: str
) -> None:
    job = ChunkJob(FaultyWorker(diary, at=3, kind=kind), 6, Ending(diary))
    got = fault(job, engine, attempt)
    assert got.startswith(line)
    assert kind != "bug" or "ZeroDivisionError: of the program" in got
    assert not [word for word in diary.words() if word.startswith("finish")]


def test_a_quoted_error_of_grpc_is_what_it_says() -> None:
    quoted = """RuntimeError: the worker's channel ended: <_Rendezvous of RPC with:
        status = StatusCode.UNAVAILABLE
        details = "failed to connect to all addresses"
        debug_error_string = "UNKNOWN: ..."
>"""
    found = remote.one_line(RuntimeError(quoted))
    assert found == "failed to connect to all addresses"
    assert remote.one_line(ValueError("first\n  last")) == "last"


def test_steps_are_done_between_the_chunks_and_the_finish(
    diary: Diary, engine: Engine, attempt: Attempt
) -> None:
    steps = Steps(3, Step(diary))
    job = ChunkJob(CountingWorker(diary), 9, Ending(diary), steps=steps)
    launch.run(job, engine, attempt)
    words = [word for word in diary.words() if word.startswith("step")]
    assert words == [f"step {number} after 9 early" for number in range(3)]
    assert "finish 18 9 27" in diary.words()


def test_a_fault_keeps_its_class(
    diary: Diary, engine: Engine, attempt: Attempt
) -> None:
    job = ChunkJob(FaultyWorker(diary, at=0, kind="AboveThreshold"), 1, Ending(diary))
    with pytest.raises(JobFault, match="a fault of its class; mend it") as caught:
        launch.run(job, engine, attempt)
    assert type(caught.value) is AboveThreshold


def test_a_worker_that_does_not_see_the_output_is_one_line(
    tmp_path: Path, diary: Diary, engine: Engine, attempt: Attempt
) -> None:
    plan = str(tmp_path / "plan.json")
    job = ChunkJob(CountingWorker(diary), 9, Ending(diary), plan=plan)
    line = fault(job, engine, attempt)
    assert line.startswith(f"the worker misses the frozen plan at {plan}: got nothing")
    assert line.endswith("OUT must be on a store that every worker sees")
    assert not [word for word in diary.words() if word.startswith("chunk")]


def test_work_that_is_done_again_after_the_end_does_nothing(
    tmp_path: Path, diary: Diary, engine: Engine, attempt: Attempt
) -> None:
    """As an engine does that lost a machine when all was published and tidied up."""
    plan, done = str(tmp_path / "plan.json"), tmp_path / "COMPLETED"
    done.touch()
    job = ChunkJob(CountingWorker(diary), 9, Ending(diary), plan=plan, done=str(done))
    assert launch.run(job, engine, attempt) is None
    assert "finish 0 0 0" in diary.words()
    assert not [word for word in diary.words() if word.startswith("chunk")]


def test_a_job_goes_on_when_its_launcher_has_left(
    tmp_path: Path, diary: Diary, threads: Server, job_server: Server, attempt: Attempt
) -> None:
    words = [
        *engine_runs.flags(threads, job_server=job_server),
        "--no_wait_until_finish",
    ]
    engine = engines.choose(words, Command("/nowhere/out"))
    gate = tmp_path / "gate"
    job = ChunkJob(WaitingWorker(diary, str(gate)), 2, Ending(diary), planned=6)
    assert launch.run(job, engine, attempt)
    assert "finish 4 2 6" not in diary.words()
    gate.touch()
    wait_for(lambda: "finish 4 2 6" in diary.words(), seconds=60)


_LAUNCH = """
import sys
import threading
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.job import ChunkJob
from pipelines.faults import Interrupted
from pipelines.runners import engines, launch
from pipelines.runners.engine import Command
from tests.doubles.chunk import Diary, Ending, WaitingWorker

folder, gate, *words = sys.argv[1:]
diary = Diary(folder)
engine = engines.choose(words, Command("/nowhere/out"))
job = ChunkJob(WaitingWorker(diary, gate), 1, Ending(diary))
try:
    with Attempt() as attempt:
        launch.run(job, engine, attempt)
except Interrupted as fault:
    print(fault)
"""


def test_ctrl_c_cancels_the_job(
    tmp_path: Path, diary: Diary, threads: Server, job_server: Server
) -> None:
    """In a process of its own: the tests' own has other things that listen."""
    gate = tmp_path / "gate"
    words = engine_runs.flags(threads, job_server=job_server)
    launcher = subprocess.Popen(
        [sys.executable, "-c", _LAUNCH, diary.folder, str(gate), *words],
        cwd=engine_runs.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: "chunk 0" in diary.words(), seconds=60)
        launcher.send_signal(signal.SIGINT)
        line, _ = launcher.communicate(timeout=30)
    finally:
        launcher.kill()
        gate.touch()
    assert line.startswith("interrupted, cancelling job ")
    assert line.endswith("run the same command again to go on\n")


def test_a_job_server_that_dies_is_one_line(
    tmp_path: Path, diary: Diary, threads: Server, attempt: Attempt
) -> None:
    gate = tmp_path / "gate"
    with contextlib.closing(
        engine_runs.start_job_server(tmp_path / "job_server.log")
    ) as server:
        words = engine_runs.flags(threads, job_server=server)
        engine = engines.choose(words, Command("/nowhere/out"))

        def kill_when_begun() -> None:
            wait_for(lambda: "chunk 0" in diary.words(), seconds=60)
            server.process.kill()

        killer = threading.Thread(target=kill_when_begun)
        killer.start()
        job = ChunkJob(WaitingWorker(diary, str(gate)), 1, Ending(diary))
        line = fault(job, engine, attempt)
        killer.join()
    gate.touch()
    assert line.startswith("--runner=PortableRunner: job ")
    assert line.endswith("run the same command again to go on")
