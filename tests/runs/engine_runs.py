"""Engines for tests: this process, and Beam's own job server with a pool of workers."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
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


class Server:
    """A server of Beam in a process of its own, on a free port of this machine.

    Args:
        module: What it runs.
        flag: How its port is given.
        log: What it and its children print.
        before: Words before the command, such as a program that starts it.
    """

    def __init__(
        self, module: str, flag: str, log: Path, *, before: Sequence[str] = ()
    ):
        self.log, self.port = log, free_port()
        # Beam's pool starts `python` by name: it must be this environment's.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", module, f"{flag}={self.port}"],
                stdout=file,
                stderr=file,
                cwd=ROOT,
                env={**os.environ, "PATH": path, "PYTHONPATH": os.fspath(ROOT)},
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

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

    def children(self) -> list[int]:
        """Returns the processes that it has started and that still run."""
        return [pid for pid in children(self.process.pid) if is_running(pid)]

    def close(self) -> None:
        """Ends it and its children."""
        started = self.children()
        self.process.kill()
        self.process.wait()
        for pid in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start_pool(log: Path, *, before: Sequence[str] = ()) -> Server:
    """Starts Beam's worker pool, as every host of a cluster has one."""
    module = "apache_beam.runners.worker.worker_pool_main"
    return Server(module, "--service_port", log, before=before)


def start_thread_pool(log: Path) -> Server:
    """Starts a pool whose workers are threads: a job begins at once."""
    return Server("tests.runs.thread_pool", "--port", log)


def start_job_server(log: Path) -> Server:
    """Starts Beam's small job server, which stays when a launcher leaves."""
    module = "apache_beam.runners.portability.local_job_service_main"
    return Server(module, "--port", log)


def flags(pool: Server, *, job_server: Server | None = None) -> list[str]:
    """Returns the flags of a command whose workers are in a pool."""
    endpoint = "embed" if job_server is None else job_server.address
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={endpoint}",
        "--environment_type=EXTERNAL",
        f"--environment_config={pool.address}",
    ]


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
