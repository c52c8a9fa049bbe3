"""What a worker process of another process or machine needs before its first chunk.

The launcher's own process has an attempt of the launcher's. Any other process makes
one, which shares the cores of its host with the other worker processes there. Before
the first chunk a worker checks that it sees what the launcher sees.
"""

import os
import socket
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apache_beam.utils.shared import Shared

from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.job import ChunkJob
from pipelines.faults import SystemicFault

_WORKER: Final = b"apache_beam.runners.worker.sdk_worker"
"""What the command line of each of Beam's Python workers has."""


@dataclass(frozen=True)
class Access:
    """A worker's way to its attempt. Travels to the workers.

    Attributes:
        handle: Leads a process to its attempt.
        plan: URI of a file that a worker must see; None: there is none.
        inputs: URIs of what it reads besides.
        done: See `ChunkJob`.
        processes: Worker processes a host, where the flags say so.
    """

    handle: Shared
    plan: str | None = None
    inputs: tuple[str, ...] = ()
    done: str | None = None
    processes: int = 1

    @classmethod
    def of(cls, job: ChunkJob, *, processes: int = 1) -> "Access":
        """Returns the way for the workers of a job."""
        return cls(Shared(), job.plan, job.inputs, job.done, processes)

    def attempt(self) -> Attempt:
        """Returns the attempt that this process shares."""
        return self.handle.acquire(self._open)

    def _open(self) -> Attempt:
        _keep_out_of_stdout()
        attempt = Attempt(max(self.processes, count_workers()))
        attempt.close_when_forgotten()
        return attempt

    def has_work(self) -> bool:
        """Returns whether there is anything to do, where this process sees the plan.

        Engines do work again when a machine was lost, also that of a job that has
        published its result since: its plan is gone then.

        Raises:
            SystemicFault: This process does not see what the launcher sees.
        """
        host = socket.gethostname()
        if self.plan is not None and not files.exists(self.plan):
            if self.done is not None and files.exists(self.done):
                return False
            raise SystemicFault(
                f"the worker misses the frozen plan at {self.plan}: got nothing there "
                f"on {host}, expected what the launcher wrote; OUT must be on a store "
                "that every worker sees"
            )
        for uri in self.inputs:
            if not files.exists(uri):
                raise SystemicFault(
                    f"the worker misses {uri}: got nothing there on {host}, expected "
                    "what the launcher sees; inputs and models must be on a store that "
                    "every worker sees"
                )
        return True


def _keep_out_of_stdout() -> None:
    """Sends what libraries may print to standard error.

    Beam's worker pool never reads the pipe that is a worker's standard output: a worker
    that has filled it waits for ever.
    """
    if stat.S_ISFIFO(os.fstat(1).st_mode):
        sys.stdout.flush()
        os.dup2(2, 1)


def count_workers(proc: Path = Path("/proc")) -> int:
    """Returns how many Python workers of Beam share this host's cores, at least one.

    They are started together, so when the first chunk comes, all are there.

    Args:
        proc: The proc file system; where it has none of them, this process is alone.
    """
    return max(1, sum(_is_worker(words) for words in _command_lines(proc)))


def _is_worker(words: list[bytes]) -> bool:
    program = words[0].rpartition(b"/")[2]
    return program.startswith(b"python") and any(_WORKER in word for word in words[1:])


def _command_lines(proc: Path) -> Iterator[list[bytes]]:
    for process in proc.glob("[0-9]*"):
        try:
            yield (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            continue
