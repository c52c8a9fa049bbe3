"""How far a job is: a bar on a terminal, plain lines when piped.

What it shows is a tally. Workers in this process add to it as they go; those elsewhere
are followed by the parts that they commit, see `chunks.following`.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipelines import logs
from pipelines.chunks.counts import Tally

_RATE_SECONDS = 20.0
"""The rate and the time left are those of the last seconds."""
_BAR_SECONDS = 0.25
_LINE_SECONDS = 10.0


@contextmanager
def show(
    tally: Tally, total: int, *, unit: str = "images", quiet: bool = False
) -> Iterator[None]:
    """Shows how much of `total` items a tally holds while the block runs."""
    if quiet or total == 0:
        yield
        return
    done = threading.Event()
    display = Display(tally, total, unit=unit, is_live=sys.stderr.isatty())
    thread = threading.Thread(target=display.run, args=(done,), daemon=True)
    thread.name = "progress"
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)


class Display:
    """The progress of one job, as a bar or as lines.

    Rate and time left are rich's. They count computed items only: those that were
    found done come at once, and would spoil both.

    Args:
        tally: What to show.
        total: Items of the job.
        unit: Their name.
        is_live: Whether to draw a bar, not to print lines.
        clock: Returns seconds.
    """

    def __init__(
        self,
        tally: Tally,
        total: int,
        *,
        unit: str,
        is_live: bool,
        clock: Callable[[], float] | None = None,
    ):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._tally, self._total, self._unit = tally, total, unit
        self._is_live = is_live
        self._time_left = TimeRemainingColumn(compact=True)
        self._progress = Progress(
            TextColumn(f"{{task.fields[done]}}/{total}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}  {task.fields[failures]}  ETA"),
            self._time_left,
            console=Console(stderr=True),
            disable=not is_live,
            speed_estimate_period=_RATE_SECONDS,
            get_time=clock,
        )
        self._id = self._progress.add_task("", total=total)
        (self._task,) = self._progress.tasks
        self.update()

    def run(self, done: threading.Event) -> None:
        """Shows the tally again and again until the job is done."""
        with self._progress:
            is_last = False
            while not is_last:
                is_last = done.wait(_BAR_SECONDS if self._is_live else _LINE_SECONDS)
                self.update()
                if not self._is_live:
                    logs.say(self.line(), **self._numbers())

    def update(self) -> None:
        """Takes over what the tally holds now."""
        counts = self._tally.counts
        done = counts.ok + counts.failed
        self._task.total = self._total - (done - counts.computed)
        # Not `Progress.update`: it takes no note of a time without any progress.
        self._progress.advance(self._id, counts.computed - self._task.completed)
        rate = f"{self._task.speed or 0:.1f} {self._unit}/s"
        self._task.fields.update(
            done=done, rate=rate, failures=f"{counts.failed} failed"
        )

    def _numbers(self) -> dict[str, Any]:
        """Returns the progress for programs."""
        counts = self._tally.counts
        return {
            "event": "progress",
            "done": counts.ok + counts.failed,
            "total": self._total,
            "failed": counts.failed,
            f"{self._unit}_per_second": round(self._task.speed or 0, 2),
        }

    def line(self) -> str:
        """Returns the progress as text."""
        fields, time_left = self._task.fields, self._task.time_remaining
        text = f"{fields['done']}/{self._total} {self._unit}  {fields['rate']}  "
        eta = f"  ETA {self._time_left.render(self._task)}" if time_left else ""
        return text + fields["failures"] + eta
