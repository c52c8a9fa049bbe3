"""Engines for tests: this process, and Beam's own job server with a pool of workers."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pipelines.runners import engines
from pipelines.runners.engine import Command, Engine

ROOT = Path(__file__).resolve().parents[2]


def local(*flags: str) -> Engine:
    """Returns the local engine under flags of Beam."""
    return engines.choose(flags, Command("/nowhere/out"))


def free_port() -> int:
    """Returns a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class WorkerPool:
    """Beam's worker pool in a process of its own, as every host of a cluster has one.

    Args:
        log: What it and its workers print.
        folder: Where they run.
    """

    def __init__(self, log: Path, folder: Path = ROOT):
        self.log, self.port = log, free_port()
        # The pool starts `python` by name: it must be this environment's.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        module = "apache_beam.runners.worker.worker_pool_main"
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, f"--service_port={self.port}"],
                stdout=file,
                stderr=file,
                cwd=folder,
                env={**os.environ, "PATH": path, "PYTHONPATH": os.fspath(ROOT)},
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of a command whose workers are in this pool."""
        return (
            "--runner=PortableRunner",
            "--job_endpoint=embed",
            "--environment_type=EXTERNAL",
            f"--environment_config=127.0.0.1:{self.port}",
        )

    def workers(self) -> list[int]:
        """Returns the worker processes that it has started and that still run."""
        return [pid for pid in children(self.process.pid) if is_running(pid)]

    def close(self) -> None:
        """Ends it and its workers."""
        workers = self.workers()
        self.process.kill()
        self.process.wait()
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """Returns the processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = list[int]()
    for task in tasks:
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there, and not only waits to be asked for its end."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@contextlib.contextmanager
def worker_pool(log: Path, folder: Path = ROOT) -> Iterator[WorkerPool]:
    """Starts a pool of workers; none of its processes outlives the block."""
    pool = WorkerPool(log, folder)
    try:
        yield pool
    finally:
        pool.close()
