"""Who has which slot: the one table of it, kept by the worker.

Lanes know the number of the slot in hand, nothing else. So when one dies, the table
still says what each slot holds, and no slot can be lost or read by two.

    free -> filling (a lane decodes into it) -> ready -> computing (the device reads and
    writes it) -> done -> draining (a lane makes the row of it) -> free
"""

import threading
from collections.abc import Iterable
from enum import IntEnum
from typing import Final


class SlotState(IntEnum):
    """What happens with a slot; its number is its place in lists."""

    FREE = 0
    FILLING = 1
    READY = 2
    COMPUTING = 3
    DONE = 4
    DRAINING = 5


_FOLLOWS: Final = {
    SlotState.FREE: {SlotState.FILLING},
    SlotState.FILLING: {SlotState.READY, SlotState.FREE},
    SlotState.READY: {SlotState.COMPUTING, SlotState.FREE},
    # Again: another model, or another try.
    SlotState.COMPUTING: {SlotState.COMPUTING, SlotState.DONE, SlotState.FREE},
    SlotState.DONE: {SlotState.DRAINING, SlotState.FREE},
    SlotState.DRAINING: {SlotState.FREE},
}


class SlotTable:
    """The state of each slot; its methods may be called by any thread.

    Args:
        slots: How many there are.
    """

    def __init__(self, slots: int):
        self._lock = threading.Lock()
        self._states = [SlotState.FREE] * slots
        self._counts = [0] * len(SlotState)
        self._counts[SlotState.FREE] = slots
        self._free = list(reversed(range(slots)))

    def take(self) -> int | None:
        """Returns a slot to be filled; None where there is none."""
        with self._lock:
            if not self._free:
                return None
            slot = self._free.pop()
            self._set(slot, SlotState.FILLING)
            return slot

    def move(self, slots: Iterable[int], state: SlotState) -> None:
        """Takes down what happens with some slots now.

        Raises:
            RuntimeError: That cannot follow: somebody else has one of the slots.
        """
        with self._lock:
            for slot in slots:
                before = self._states[slot]
                if state not in _FOLLOWS[before]:
                    raise RuntimeError(
                        f"slot {slot}: got {state.name} after {before.name}, expected "
                        "another order; this is a bug"
                    )
                self._set(slot, state)
                if state is SlotState.FREE:
                    self._free.append(slot)

    def _set(self, slot: int, state: SlotState) -> None:
        self._counts[self._states[slot]] -= 1
        self._counts[state] += 1
        self._states[slot] = state

    def count(self, *states: SlotState) -> int:
        """Returns how many slots are in any of some states."""
        with self._lock:
            return sum(self._counts[state] for state in states)

    @property
    def slots(self) -> int:
        """How many there are."""
        return len(self._states)
