"""The outcomes of planned items: a monoid that workers yield and Beam adds up."""

import threading
import time
from dataclasses import dataclass
from typing import Final

NAMESPACE: Final = "fcn"
"""Of the counters, in Beam's metrics and wherever a service shows them."""

COUNTERS: Final = {
    "chunks": "chunks that are done",
    "ok": "items with a result",
    "failed": "items with a reason instead",
    "computed": "items that this launch worked on; the others were found done",
}
"""The counters that every job has, and what they count. Alarms are built on the names:
they stay."""


@dataclass(frozen=True)
class Counts:
    """How many items had which outcome.

    Attributes:
        ok: Items with a result.
        failed: Items with a reason instead.
        computed: Items that this attempt worked on; the others were found done.
    """

    ok: int = 0
    failed: int = 0
    computed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.ok + other.ok,
            self.failed + other.failed,
            self.computed + other.computed,
        )

    def counters(self) -> dict[str, int]:
        """Returns what a chunk adds to each of `COUNTERS`."""
        return {
            "chunks": 1,
            "ok": self.ok,
            "failed": self.failed,
            "computed": self.computed,
        }

    def pace(self, started: float) -> tuple[float, float]:
        """Returns the seconds since `started`, and items computed in each of them.

        Args:
            started: Seconds since the epoch, by the clock of the machine that started
                the job. Where the clock of this one is behind it, nobody can say how
                long it took: both are 0.
        """
        seconds = time.time() - started
        if seconds <= 0:
            return 0.0, 0.0
        return round(seconds, 3), round(self.computed / seconds, 2)


class Tally:
    """Counts that grow while a job runs; any thread may add to them.

    Attributes:
        counts: What was added so far.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self._lock = threading.Lock()

    def add(self, counts: Counts) -> None:
        """Adds the counts of items that are done."""
        with self._lock:
            self.counts += counts
