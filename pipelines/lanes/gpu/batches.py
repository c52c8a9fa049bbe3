"""Which rows a device computes next: batches of one kind, full if that is soon.

A kind is a model and a size of pixels; padding rounds sides, so a night has few. Full
batches go first, in the order of their first rows. A device that is idle for a short
while takes the fullest there is, or at once where nothing more can come because all
slots wait for it. A row of a rare kind lets no more than `patience` batches pass.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.lanes.gpu.photos import Kind, Row
from pipelines.lanes.gpu.settings import DeviceSettings


@dataclass(frozen=True)
class Batch:
    """Rows to be computed together.

    Attributes:
        rows: At most `size`; all of one kind.
        size: Rows of what the device computes; nothing but zeros fills the rest.
    """

    rows: tuple[Row, ...]
    size: int

    @property
    def kind(self) -> Kind:
        """Of its rows."""
        return self.rows[0].kind

    @property
    def pixels(self) -> int:
        """That the device computes."""
        return self.size * self.kind.pixels


class Batches:
    """Rows that wait for a device; its methods may be called by any thread.

    Args:
        settings: Of the devices.
        is_starved: Whether no row can come before a batch is computed.
    """

    def __init__(self, settings: DeviceSettings, is_starved: Callable[[], bool]):
        self._settings, self._is_starved = settings, is_starved
        self._changed = threading.Condition()
        self._waiting: dict[Kind, deque[Row]] = {}
        self._again: deque[tuple[Row, ...]] = deque()
        self._most_pixels: dict[int, int] = {}
        self._sizes: dict[Kind, int] = {}
        self._taken = 0
        self._is_closed = False

    def add(self, rows: list[Row]) -> None:
        """Adds rows of photos, or none, where photos came to nothing.

        An idle device is woken only if it can take a batch now: each time costs as
        much as some of the work.
        """
        with self._changed:
            is_news = False
            for row in rows:
                row.turn = self._taken
                waiting = self._waiting.setdefault(row.kind, deque())
                waiting.append(row)
                is_news = is_news or len(waiting) >= self._size(row.kind)
            if is_news or self._is_starved():
                self._changed.notify_all()

    def again(self, rows: tuple[Row, ...]) -> None:
        """Adds rows that a device is to try next, together and without others."""
        with self._changed:
            self._again.append(rows)
            self._changed.notify_all()

    def shrink(self, batch: Batch) -> None:
        """Has batches of a model become smaller than one that found no memory."""
        model, most = batch.kind.model, max(1, batch.pixels // 2)
        with self._changed:
            self._most_pixels[model] = min(self._most_pixels.get(model, most), most)
            self._sizes.clear()

    def take(self) -> Batch | None:
        """Returns the next batch, as soon as there is one; None at the end."""
        with self._changed:
            idle_since = time.monotonic()
            while not self._is_closed:
                batch, seconds = self._next(idle_since)
                if batch is not None:
                    self._taken += 1
                    return batch
                self._changed.wait(seconds)
        return None

    def close(self) -> None:
        """Ends it for all devices."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _size(self, kind: Kind) -> int:
        size = self._sizes.get(kind)
        if size is None:
            most = self._most_pixels.get(kind.model)
            size = self._sizes[kind] = self._settings.rows(kind.pixels, most)
        return size

    def _next(self, idle_since: float) -> tuple[Batch | None, float]:
        """Returns the next batch, or how long to wait until there may be one."""
        if self._again:
            rows = self._again.popleft()
            size = self._size(rows[0].kind)
            if len(rows) > size:
                self._again.appendleft(rows[size:])
            return Batch(rows[:size], size), 0
        if not self._waiting:
            return None, self._settings.wait_seconds
        oldest = min(self._waiting, key=self._since)
        if self._taken - self._waiting[oldest][0].turn > self._settings.patience:
            return self._pop(oldest), 0
        full = [kind for kind in self._waiting if self._fill(kind) >= 1]
        if full:
            return self._pop(min(full, key=self._since)), 0
        since = max(idle_since, self._since(oldest))
        left = since + self._settings.wait_seconds - time.monotonic()
        if left <= 0 or self._is_starved():
            return self._pop(max(self._waiting, key=self._fill)), 0
        return None, left

    def _since(self, kind: Kind) -> float:
        return self._waiting[kind][0].since

    def _fill(self, kind: Kind) -> float:
        return len(self._waiting[kind]) / self._size(kind)

    def _pop(self, kind: Kind) -> Batch:
        rows, size = self._waiting[kind], self._size(kind)
        taken = tuple(rows.popleft() for _ in range(min(size, len(rows))))
        if not rows:
            del self._waiting[kind]
        return Batch(taken, size)
