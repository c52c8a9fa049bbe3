"""The one graph: every chunk once, one finish, and faults as one line."""

import os
import pickle
import signal
from collections.abc import Sequence

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob, Steps
from pipelines.faults import Interrupted, SystemicFault
from pipelines.runners import graph, launch
from pipelines.runners.engine import LOCAL
from tests.doubles.chunk import (
    CountingWorker,
    Diary,
    Ending,
    FaultyWorker,
    SharingWorker,
    Step,
)
from tests.runs.engine_runs import local
from tests.runs.lane_runs import wait_for


def run(worker: CountingWorker, chunks: int, *, flags: Sequence[str] = ()) -> None:
    with Attempt() as attempt:
        job = ChunkJob(worker, chunks, Ending(worker.diary))
        launch.run(job, local(*flags), attempt)


def noted(diary: Diary, kind: str) -> list[str]:
    words = [word.partition(" ") for word in diary.words()]
    return [rest for first, _, rest in words if first == kind]


@pytest.mark.parametrize("chunks", [1, 8, 21])
def test_one_worker_has_every_chunk_once_in_one_stream(
    diary: Diary, chunks: int
) -> None:
    run(CountingWorker(diary), chunks)
    assert noted(diary, "stream") == ["of a bundle"]
    assert sorted(map(int, noted(diary, "chunk"))) == list(range(chunks))
    assert noted(diary, "finish") == [f"{2 * chunks} {chunks} {3 * chunks}"]


def test_no_chunks_are_finished_once(diary: Diary) -> None:
    run(CountingWorker(diary), 0)
    assert noted(diary, "chunk") == []
    assert noted(diary, "finish") == ["0 0 0"]


def test_many_threads_count_the_same(diary: Diary) -> None:
    run(CountingWorker(diary), 40, flags=["--direct_num_workers=3"])
    assert noted(diary, "finish") == ["80 40 120"]


def test_a_bundle_that_is_repeated_does_not_count_twice(diary: Diary) -> None:
    run(CountingWorker(diary), 20, flags=["--direct_runner_bundle_repeat=2"])
    assert len(noted(diary, "chunk")) > 20
    assert set(noted(diary, "finish")) == {"40 20 60"}


@pytest.mark.parametrize(
    "flag", ["--direct_num_workers=3", "--direct_runner_bundle_repeat=2"]
)
def test_all_threads_share_what_the_launcher_closes(diary: Diary, flag: str) -> None:
    job = ChunkJob(SharingWorker(diary), 40, Ending(diary))
    with Attempt() as attempt:
        launch.run(job, local(flag), attempt)
        assert len(noted(diary, "stream")) > 1
        assert noted(diary, "open") == [f"in {os.getpid()}"]
        assert set(noted(diary, "processes")) == {"1"}
        assert "close" not in diary.words()
    assert diary.words().count("close") == 1


def test_a_process_that_is_not_the_launchers_opens_and_closes_its_own_attempt(
    diary: Diary,
) -> None:
    flags = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    run(SharingWorker(diary), 40, flags=flags)
    assert noted(diary, "finish") == ["80 40 120"]
    opened = noted(diary, "open")
    assert len(set(opened)) == len(opened) >= 1
    assert f"in {os.getpid()}" not in opened
    # Two that this test has started; there may be others beside it.
    assert all(int(number) >= 2 for number in noted(diary, "processes"))
    wait_for(lambda: len(noted(diary, "close")) == len(opened))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("systemic", "the model m is gone; bring it back"),
        ("full", "/out/part: got no space left on device, "),
        ("nameless", "got input/output error, "),
        ("threads", "got can't start new thread, "),
    ],
)
def test_a_workers_fault_comes_out_as_one_line(
    diary: Diary, kind: str, line: str, workers: int
) -> None:
    with pytest.raises(SystemicFault) as caught:
        flags = [f"--direct_num_workers={workers}"]
        run(FaultyWorker(diary, at=9, kind=kind), 12, flags=flags)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
    assert "while running" not in str(caught.value)
    assert noted(diary, "finish") == []


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("systemic", "got 3, expected 4 as planned"),
        ("full", "/out/table: got no space left on device, "),
    ],
)
def test_a_fault_at_the_finish_comes_out_as_one_line(
    diary: Diary, kind: str, line: str
) -> None:
    job = ChunkJob(CountingWorker(diary), 1, Ending(diary, kind))
    with pytest.raises(SystemicFault) as caught, Attempt() as attempt:
        launch.run(job, LOCAL, attempt)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_a_fault_of_the_program_keeps_its_traceback(diary: Diary) -> None:
    with pytest.raises(ZeroDivisionError, match="of the program"):
        run(FaultyWorker(diary, at=0, kind="bug"), 1)


def test_a_stop_ends_the_job_and_the_next_one_runs(diary: Diary) -> None:
    with pytest.raises(Interrupted, match="run the same command again"):
        run(FaultyWorker(diary, at=2, kind="stop"), 6)
    assert noted(diary, "finish") == []
    assert noted(diary, "chunk") == ["0", "1", "2"]
    before = signal.getsignal(signal.SIGINT)
    run(CountingWorker(diary), 1)
    assert noted(diary, "finish") == ["2 1 3"]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("flags", [[], ["--direct_num_workers=3"]])
def test_steps_are_done_between_the_chunks_and_the_finish(
    diary: Diary, flags: list[str]
) -> None:
    steps = Steps(4, Step(diary))
    job = ChunkJob(CountingWorker(diary), 9, Ending(diary), steps=steps)
    with Attempt() as attempt:
        launch.run(job, local(*flags), attempt)
    words = [word for word in diary.words() if word.startswith("step")]
    assert words == [f"step {number} after 9 early" for number in range(4)]
    assert noted(diary, "finish") == ["18 9 27"]


def test_a_job_travels(diary: Diary) -> None:
    job = ChunkJob(CountingWorker(diary), 3, Ending(diary))
    assert pickle.loads(pickle.dumps(job)) == job


def test_counts_are_a_monoid() -> None:
    a, b, c = Counts(1, 2, 3), Counts(4, 0, 1), Counts(0, 5, 5)
    assert a + Counts() == a == Counts() + a
    assert (a + b) + c == a + (b + c) == Counts(5, 7, 9)
    assert graph._SumCounts().merge_accumulators([a, b, c]) == a + b + c
