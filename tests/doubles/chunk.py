"""Workers for tests: chunks without photos, which note in a folder what was asked.

They travel through Beam like real ones, so what they notice is in files.
"""

import errno
import os
import secrets
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.faults import JobFault, SystemicFault


@dataclass(frozen=True)
class Diary:
    """Notes in a folder that survive any way to end."""

    folder: str

    def note(self, word: str) -> None:
        name = f"{word} {secrets.token_hex(8)}"
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        (Path(self.folder) / name).touch()

    def words(self) -> list[str]:
        if not Path(self.folder).exists():
            return []
        names = os.listdir(self.folder)  # noqa: PTH208 - names, not paths
        return sorted(name.rpartition(" ")[0] for name in names)


@dataclass(frozen=True)
class CountingWorker:
    """Every chunk has two good items and a bad one; notes each chunk."""

    diary: Diary

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        self.diary.note("stream of a bundle")
        for chunk in chunks:
            self.diary.note(f"chunk {chunk}")
            self.act(chunk, attempt)
            yield Counts(ok=2, failed=1, computed=3)

    def act(self, chunk: int, attempt: Attempt) -> None:
        """Does what the chunk's work would do."""


@dataclass(frozen=True)
class Step:
    """Notes each step with what was there before: chunks, and the finish or not."""

    diary: Diary

    def __call__(self, number: int) -> None:
        kinds = [word.split()[0] for word in self.diary.words()]
        order = "late" if "finish" in kinds else "early"
        self.diary.note(f"step {number} after {kinds.count('chunk')} {order}")


@dataclass(frozen=True)
class FaultyWorker(CountingWorker):
    """Meets a fault of the machine at a chunk."""

    at: int = 0
    kind: str = "systemic"

    def act(self, chunk: int, attempt: Attempt) -> None:
        if chunk != self.at:
            return
        if self.kind == "systemic":
            raise SystemicFault("the model m is gone; bring it back")
        if self.kind == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/out/part")
        if self.kind == "nameless":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self.kind == "threads":
            raise RuntimeError("can't start new thread")
        if self.kind == "bug":
            raise ZeroDivisionError("of the program")
        for fault in JobFault.__subclasses__():
            if self.kind == fault.__name__:
                raise fault("a fault of its class; mend it")
        if self.kind == "ctrl-c":
            # What the launcher's thread does; a signal may end the tests' own process.
            handler = signal.getsignal(signal.SIGINT)
            assert callable(handler)
            handler(signal.SIGINT, None)
            attempt.check_stop()
            raise AssertionError("the launcher's handler did not stop the attempt")
        attempt.request_stop()
        attempt.check_stop()


@dataclass(frozen=True)
class WaitingWorker(CountingWorker):
    """Waits in every chunk until a file is there."""

    until: str = ""

    def act(self, chunk: int, attempt: Attempt) -> None:
        deadline = time.monotonic() + 60
        while not Path(self.until).exists() and time.monotonic() < deadline:
            attempt.check_stop()
            time.sleep(0.05)


@dataclass
class Resource:
    """What is opened once in a process."""

    diary: Diary

    def close(self) -> None:
        self.diary.note("close")


@dataclass(frozen=True)
class SharingWorker(CountingWorker):
    """Needs a resource that its process shares."""

    def act(self, chunk: int, attempt: Attempt) -> None:
        attempt.keep("resource", self._open)
        self.diary.note(f"processes {attempt.processes}")

    def _open(self) -> Resource:
        self.diary.note(f"open in {os.getpid()}")
        return Resource(self.diary)


@dataclass(frozen=True)
class Ending:
    """What a job does at its end."""

    diary: Diary
    kind: str = "good"

    def __call__(self, counts: Counts, attempt: Attempt) -> None:
        self.diary.note(f"finish {counts.ok} {counts.failed} {counts.computed}")
        if self.kind == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/out/table")
        if self.kind == "systemic":
            raise SystemicFault("got 3, expected 4 as planned")
