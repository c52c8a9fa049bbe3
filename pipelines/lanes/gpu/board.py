"""What decoding lanes do next: rows of computed photos first, then photos to decode.

So a slot becomes free before another is filled, and there need be no more of them.
"""

import threading
from collections import deque

from pipelines.lanes.gpu.photos import Photo
from pipelines.lanes.gpu.slots import SlotState, SlotTable

Step = tuple[Photo, SlotState]
"""A photo whose slot is now to be filled or drained."""


class Board:
    """Photos that wait for a decoding lane; any thread may call its methods.

    Args:
        table: Of the slots.
    """

    def __init__(self, table: SlotTable):
        self._table = table
        self._changed = threading.Condition()
        self._to_prepare: deque[Photo] = deque()
        self._to_finish: deque[Photo] = deque()
        self._is_closed = False

    def prepare(self, photo: Photo) -> None:
        """Adds a photo that has to be decoded."""
        with self._changed:
            self._to_prepare.append(photo)
            self._changed.notify()

    def finish(self, photo: Photo) -> None:
        """Adds a photo whose rows are computed."""
        with self._changed:
            self._to_finish.append(photo)
            self._changed.notify()

    def release(self, photo: Photo) -> None:
        """Makes a photo's slot free."""
        slot, photo.slot = photo.slot, None
        if slot is not None:
            with self._changed:
                self._table.move(slot, SlotState.FREE)
                self._changed.notify()

    def next(self) -> Step | None:
        """Returns what a lane is to do, as soon as there is something; None at the end.

        The slot is in the state that is returned with the photo.
        """
        with self._changed:
            while not self._is_closed:
                if self._to_finish:
                    photo = self._to_finish.popleft()
                    assert photo.slot is not None
                    self._table.move(photo.slot, SlotState.DRAINING)
                    return photo, SlotState.DRAINING
                slot = self._table.take() if self._to_prepare else None
                if slot is not None:
                    photo = self._to_prepare.popleft()
                    photo.to_prepare(slot)
                    return photo, SlotState.FILLING
                self._changed.wait()
        return None

    def is_starved(self) -> bool:
        """Returns whether every slot waits for a device, so that no row can come."""
        states = SlotState.FREE, SlotState.FILLING, SlotState.DRAINING, SlotState.DONE
        return not any(self._table.count(state) for state in states)

    def close(self) -> None:
        """Ends it for all lanes."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
