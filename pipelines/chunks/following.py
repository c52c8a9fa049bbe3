"""How far a job is that runs elsewhere: told by its parts, which anybody can see.

The parts of a job appear one after the other on the store, wherever its workers are. A
follower looks again and again, and counts the new ones into a tally: so what shows a
tally shows any job.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from pipelines.chunks.counts import Counts, Tally
from pipelines.chunks.parts import Parts
from pipelines.faults import SystemicFault

_LOOK_SECONDS: Final = 1.0
_LOOKING_SHARE: Final = 10
"""Many parts on a far store: at most a tenth of the time is spent looking."""


class Follower:
    """Counts the parts of a job into a tally, each once.

    Args:
        parts: Of the job.
        tally: What the parts of the first look hold was done before; what comes later
            counts as computed.
    """

    def __init__(self, parts: Parts, tally: Tally):
        self._parts, self.tally = parts, tally
        self._seen: set[int] = set()
        self._is_first = True

    @property
    def chunks(self) -> int:
        """Number of chunks that were committed when it last looked."""
        return len(self._seen)

    def look(self) -> None:
        """Counts the parts that are new; never fails over one that is damaged."""
        for chunk in self._parts.chunks():
            if chunk in self._seen:
                continue
            counts = self._parts.peek(chunk)
            if counts is None:
                continue
            self._seen.add(chunk)
            computed = 0 if self._is_first else counts.ok + counts.failed
            self.tally.add(Counts(counts.ok, counts.failed, computed=computed))
        self._is_first = False

    def look_until(self, done: threading.Event) -> None:
        """Looks again and again, a last time when `done` is set."""
        pause, is_last = 0.0, False
        while not is_last:
            is_last = done.wait(pause)
            started = time.monotonic()
            # The store may be away for a moment; that is the workers' business.
            with suppress(OSError, SystemicFault):
                self.look()
            took = time.monotonic() - started
            pause = max(_LOOK_SECONDS, took * _LOOKING_SHARE)


@contextmanager
def follow(parts: Parts, tally: Tally) -> Iterator[None]:
    """Keeps a tally at what the parts of a job hold while the block runs."""
    done = threading.Event()
    follower = Follower(parts, tally)
    thread = threading.Thread(target=follower.look_until, args=(done,), daemon=True)
    thread.name = "following"
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=60)
