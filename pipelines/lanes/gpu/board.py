"""What decoding lanes do next: rows of computed photos first, then photos to decode.

So a slot becomes free before another is filled, and there need be no more of them. A
lane gets several small steps at once, where there are as many for each lane: a message
and the threads that it wakes cost as much as some of the work.
"""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from pipelines.lanes.gpu.photos import Photo
from pipelines.lanes.gpu.slots import SlotState, SlotTable

Step = tuple[Photo, SlotState]
"""A photo whose slot is now to be filled or drained."""

_MAX_TOGETHER: Final = 16
_MAX_BYTES_TOGETHER: Final = 1 << 19
"""Of photos; half of what a pipe holds. With large ones messages cost nothing."""

_FINISHING_IS_LIGHTER: Final = 8
"""So much more of photos whose rows are made: their bytes are not sent any more."""


class Board:
    """Photos that wait for a decoding lane; any thread may call its methods.

    Args:
        table: Of the slots.
        lanes: How many lanes share the steps.
    """

    def __init__(self, table: SlotTable, lanes: int):
        self._table, self._lanes = table, lanes
        # Of few slots the lanes leave some to the device.
        self._most = max(1, min(_MAX_TOGETHER, table.slots // (2 * lanes)))
        self._changed = threading.Condition()
        self._to_prepare: deque[Photo] = deque()
        self._to_finish: deque[Photo] = deque()
        self._sources = 0
        self._is_closed = False

    def prepare(self, photo: Photo) -> None:
        """Adds a photo that has to be decoded."""
        with self._changed:
            self._to_prepare.append(photo)
            self._changed.notify()

    def finish(self, photos: Sequence[Photo]) -> None:
        """Adds photos whose rows are computed."""
        with self._changed:
            self._to_finish.extend(photos)
            self._changed.notify(len(photos))

    def release(self, photos: Sequence[Photo]) -> None:
        """Makes the slots of photos free."""
        with self._changed:
            slots = [photo.slot for photo in photos if photo.slot is not None]
            self._table.move(slots, SlotState.FREE)
            for photo in photos:
                photo.slot = None
            self._changed.notify(len(slots))

    def next(self) -> list[Step]:
        """Returns what a lane is to do, as soon as there is something; [] at the end.

        Each slot is in the state that is returned with its photo.
        """
        with self._changed:
            while not self._is_closed:
                if steps := self._steps():
                    return steps
                self._changed.wait()
        return []

    def _steps(self) -> list[Step]:
        free = self._table.count(SlotState.FREE)
        ready = len(self._to_finish) + min(len(self._to_prepare), free)
        wanted = min(self._most, -(-ready // self._lanes))
        steps, size = list[Step](), 0
        while len(steps) < wanted and size <= _MAX_BYTES_TOGETHER:
            if self._to_finish:
                photo = self._to_finish.popleft()
                assert photo.slot is not None
                self._table.move([photo.slot], SlotState.DRAINING)
                size += photo.total_bytes // _FINISHING_IS_LIGHTER
                steps.append((photo, SlotState.DRAINING))
                continue
            slot = self._table.take()
            if slot is None:
                break
            photo = self._to_prepare.popleft()
            photo.to_prepare(slot)
            size += photo.total_bytes
            steps.append((photo, SlotState.FILLING))
        return steps

    def begin(self) -> None:
        """Takes down that somebody adds photos from now on."""
        with self._changed:
            self._sources += 1

    def end(self) -> None:
        """Takes down that somebody has no more photos to add."""
        with self._changed:
            self._sources -= 1

    def is_starved(self) -> bool:
        """Returns whether lanes have nothing to do before a device has computed rows.

        No slot is free and no row can be made, or nobody has more photos.
        """
        with self._changed:
            if self._to_finish:
                return False
            if not self._table.count(SlotState.FREE):
                return True
            is_over = not self._sources and not self._to_prepare
        return is_over and not self._table.count(SlotState.FILLING)

    def close(self) -> None:
        """Ends it for all lanes."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
