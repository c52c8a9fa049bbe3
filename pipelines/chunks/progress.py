"""How far a local job is: a bar on a terminal, plain lines when piped.

The worker's thread tells, the launcher's thread shows. Both are in this process, as
the local runner keeps its workers here; a remote runner has its own page for this.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_WINDOW_SECONDS = 20.0
_LINE_SECONDS = 10.0


@dataclass
class _Tally:
    """Items done so far in this process."""

    done: int = 0
    failed: int = 0
    computed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


_tally = _Tally()


def note(*, ok: int = 0, failed: int = 0, computed: int = 0) -> None:
    """Tells that items are done; called by workers."""
    with _tally.lock:
        _tally.done += ok + failed
        _tally.failed += failed
        _tally.computed += computed


class _Rate:
    """Items a second over the last seconds; start-up does not spoil the estimate."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def update(self, computed: int) -> float:
        """Returns items a second, given how many were computed so far."""
        now = time.monotonic()
        self._seen.append((now, computed))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / max(end - start, 1e-6)


@contextmanager
def shown(total: int, *, unit: str = "images", quiet: bool = False) -> Iterator[None]:
    """Shows the progress of `total` items while its block runs."""
    with _tally.lock:
        _tally.done = _tally.failed = _tally.computed = 0
    if quiet or total == 0:
        yield
        return
    stop = threading.Event()
    show = _bar if sys.stderr.isatty() else _lines
    thread = threading.Thread(target=show, args=(total, unit, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def _bar(total: int, unit: str, stop: threading.Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.completed}/{task.total}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}  {task.fields[failures]}  {task.fields[eta]}"),
    )
    rate = _Rate()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, rate="", failures="", eta="")
        while True:
            last = stop.wait(0.25)
            texts = _texts(total, unit, rate)
            bar.update(
                task,
                completed=_tally.done,
                rate=texts["rate"],
                failures=texts["failures"],
                eta=texts["eta"],
            )
            if last:
                return


def _lines(total: int, unit: str, stop: threading.Event) -> None:
    rate = _Rate()
    while True:
        last = stop.wait(_LINE_SECONDS)
        texts = "  ".join(text for text in _texts(total, unit, rate).values() if text)
        print(f"{_tally.done}/{total} {unit}  {texts}", file=sys.stderr, flush=True)  # noqa: T201
        if last:
            return


def _texts(total: int, unit: str, rate: _Rate) -> dict[str, str]:
    per_second = rate.update(_tally.computed)
    remaining = total - _tally.done
    eta = ""
    if remaining and per_second > 0:
        eta = f"ETA {_duration(remaining / per_second)}"
    return {
        "rate": f"{per_second:.1f} {unit}/s",
        "failures": f"{_tally.failed} failed",
        "eta": eta,
    }


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
