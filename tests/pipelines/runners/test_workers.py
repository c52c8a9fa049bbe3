"""A worker process that is not the launcher's: what it sees, and what it shares."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.utils.shared import Shared

from pipelines.chunks.attempt import Attempt
from pipelines.faults import SystemicFault
from pipelines.runners import workers
from pipelines.runners.workers import Access

SDK = "apache_beam.runners.worker.sdk_worker"


def processes(proc: Path, *command_lines: str) -> Path:
    """Writes what the proc file system says of processes."""
    for number, line in enumerate(command_lines, start=1):
        (proc / str(number)).mkdir(parents=True)
        text = "\0".join(line.split(" "))
        (proc / str(number) / "cmdline").write_text(text + "\0" if text else "")
    (proc / "self").mkdir()
    return proc


def test_workers_of_a_host_are_counted_however_they_were_started(
    tmp_path: Path,
) -> None:
    proc = processes(
        tmp_path,
        f"python -c from|{SDK}|import|SdkHarness".replace("|", " "),
        f"/usr/bin/python3.11 -m {SDK}_main",
        f"/bin/sh -c python -m {SDK}_main",  # only starts one
        "python -m apache_beam.runners.worker.worker_pool_main --service_port=1",
        "python -m pipelines.lanes.child",
        "",  # ended, and not asked for
    )
    assert workers.count_workers(proc) == 2


def test_a_process_is_alone_where_nothing_tells(tmp_path: Path) -> None:
    assert workers.count_workers(tmp_path) == 1


def access(**fields: object) -> Access:
    return Access(Shared(), **fields)  # type: ignore[arg-type]


def test_what_the_flags_say_of_a_host_counts() -> None:
    assert access(processes=7).attempt().processes == 7
    assert access().attempt().processes >= 1


def test_a_process_has_one_attempt_and_a_copy_leads_to_it() -> None:
    way = access()
    attempt = way.attempt()
    assert pickle.loads(pickle.dumps(way)).attempt() is attempt
    assert access().attempt() is not attempt


def test_the_launchers_attempt_is_its_own() -> None:
    way = access()
    with Attempt() as attempt:
        way.handle.acquire(lambda: attempt)
        assert way.attempt() is attempt


def test_work_that_is_done_again_after_the_end_is_no_work(tmp_path: Path) -> None:
    plan, done = tmp_path / "plan.json", tmp_path / "COMPLETED"
    way = access(plan=str(plan), done=str(done))
    plan.touch()
    done.touch()
    assert way.has_work()
    plan.unlink()
    assert not way.has_work()
    done.unlink()
    with pytest.raises(SystemicFault, match="misses the frozen plan"):
        way.has_work()


def test_a_worker_that_misses_the_plan_says_where(tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    with pytest.raises(SystemicFault) as caught:
        access(plan=plan).has_work()
    assert str(caught.value).startswith(f"the worker misses the frozen plan at {plan}:")
    assert "OUT must be on a store that every worker sees" in str(caught.value)


def test_a_worker_that_misses_an_input_names_it(tmp_path: Path) -> None:
    plan, photos = tmp_path / "plan.json", tmp_path / "photos"
    plan.touch()
    way = access(plan=str(plan), inputs=(str(tmp_path), str(photos)))
    with pytest.raises(SystemicFault, match=f"the worker misses {photos}: got nothing"):
        way.has_work()
    photos.mkdir()
    assert way.has_work()


CHATTY = """
import sys
from apache_beam.utils.shared import Shared
from pipelines.runners.workers import Access
Access(Shared()).attempt()
print("x" * (1 << 20), flush=True)
sys.stderr.write("alive")
"""


def test_a_chatty_library_does_not_fill_the_pipe_that_nobody_reads() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CHATTY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        text = process.stderr.read()  # its end: the process has ended
        assert text.endswith(b"alive")
        assert process.wait(timeout=30) == 0
        assert process.stdout.read() == b""
    finally:
        process.kill()
