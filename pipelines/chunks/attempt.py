"""What one attempt at a job owns in a process: stop flag, tally, what is opened once.

Whoever launches the job opens the attempt and closes it. Workers of the same process
share it; a worker process on another machine makes its own, which ends with it.
"""

import threading
import weakref
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol, TypeVar

from pipelines.chunks.counts import Tally
from pipelines.faults import Interrupted


class Closing(Protocol):
    """A resource that must be closed."""

    def close(self) -> None:
        """Gives it up; called once."""


Kept = TypeVar("Kept", bound=Closing)


class Attempt(AbstractContextManager["Attempt"]):
    """One attempt at a job, in one process; its methods may be called by any thread.

    Args:
        processes: Processes of the job that share the cores of this host.

    Attributes:
        tally: Counts of the items that are done so far.
    """

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self.tally = Tally()
        self._is_stopping = threading.Event()
        self._lock = threading.Lock()
        self._kept: dict[Hashable, Any] = {}
        self._closing = ExitStack()
        self._is_closed = False

    def request_stop(self) -> None:
        """Asks the workers to stop after the item in hand."""
        self._is_stopping.set()

    def check_stop(self) -> None:
        """Raises Interrupted where a stop was requested; workers call it per item."""
        if self._is_stopping.is_set():
            raise Interrupted("interrupted; run the same command again to go on")

    def keep(self, key: Hashable, start: Callable[[], Kept]) -> Kept:
        """Returns the resource of a key, started by the first who asks for it.

        Args:
            key: Tells the resource from all others of the attempt.
            start: Makes it; it is closed with the attempt.
        """
        with self._lock:
            if self._is_closed:
                raise RuntimeError(f"the attempt is closed, but {key} is asked for")
            if key not in self._kept:
                self._kept[key] = start()
                self._closing.callback(self._kept[key].close)
            return self._kept[key]

    def close_when_forgotten(self) -> None:
        """Closes it when nobody holds it any more, or with the process."""
        weakref.finalize(self, self._closing.close)

    def close(self) -> None:
        """Closes what was started, the last first."""
        with self._lock:
            self._is_closed = True
            self._kept.clear()
        self._closing.close()

    def __exit__(self, *_: object) -> None:
        self.close()
