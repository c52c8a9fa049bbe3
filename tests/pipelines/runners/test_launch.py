"""Launching: one engine for local runs, faults by their class, Ctrl-C."""

import signal

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.job import ChunkJob
from pipelines.faults import (
    AboveThreshold,
    Interrupted,
    JobFault,
    SystemicFault,
    UsageError,
)
from pipelines.runners import launch
from pipelines.runners.engine import LOCAL
from tests.doubles.chunk import CountingWorker, Diary, Ending, FaultyWorker
from tests.runs.engine_runs import local


def test_the_word_direct_runner_runs_a_job(diary: Diary, attempt: Attempt) -> None:
    job = ChunkJob(CountingWorker(diary), 2, Ending(diary))
    launch.run(job, local("--runner=DirectRunner"), attempt)
    assert "finish 4 2 6" in diary.words()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", [SystemicFault, UsageError, AboveThreshold])
def test_a_fault_keeps_its_class(
    diary: Diary, attempt: Attempt, kind: type[JobFault], workers: int
) -> None:
    job = ChunkJob(FaultyWorker(diary, at=3, kind=kind.__name__), 6, Ending(diary))
    with pytest.raises(kind) as caught:
        launch.run(job, local(f"--direct_num_workers={workers}"), attempt)
    assert str(caught.value) == "a fault of its class; mend it"


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--sdk_worker_parallelism=many"], "--sdk_worker_parallelism: got many"),
        (
            [
                "--environment_type=LOOPBACK",
                "--environment_options=docker_container_image=image",
            ],
            "got errors: Option docker_container_image is not compatible",
        ),
    ],
)
def test_flags_of_beam_that_do_not_fit_are_one_line(
    diary: Diary, attempt: Attempt, flags: list[str], line: str
) -> None:
    job = ChunkJob(CountingWorker(diary), 1, Ending(diary))
    with pytest.raises(UsageError) as caught:
        launch.run(job, local(*flags), attempt)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_ctrl_c_stops_this_job_and_no_other(diary: Diary) -> None:
    before = signal.getsignal(signal.SIGINT)
    job = ChunkJob(FaultyWorker(diary, at=2, kind="ctrl-c"), 6, Ending(diary))
    with Attempt() as attempt, pytest.raises(Interrupted):
        launch.run(job, LOCAL, attempt)
    assert signal.getsignal(signal.SIGINT) is before
    Attempt().check_stop()
