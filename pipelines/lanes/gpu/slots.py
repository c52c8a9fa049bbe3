"""Who has which slot: the one table of it, kept by the worker.

Lanes know the number of the slot in hand, nothing else. So when one dies, the table
still says what each slot holds, and no slot can be lost or read by two.

    free -> filling (a lane decodes into it) -> ready -> computing (the device reads and
    writes it) -> done -> draining (a lane makes the row of it) -> free
"""

import threading
from enum import Enum
from typing import Final


class SlotState(Enum):
    """What happens with a slot."""

    FREE = "free"
    FILLING = "filling"
    READY = "ready"
    COMPUTING = "computing"
    DONE = "done"
    DRAINING = "draining"


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
        self._free = list(reversed(range(slots)))

    def take(self) -> int | None:
        """Returns a slot to be filled; None where there is none."""
        with self._lock:
            if not self._free:
                return None
            slot = self._free.pop()
            self._states[slot] = SlotState.FILLING
            return slot

    def move(self, slot: int, state: SlotState) -> None:
        """Takes down what happens with a slot now.

        Raises:
            RuntimeError: That cannot follow: somebody else has the slot.
        """
        with self._lock:
            before = self._states[slot]
            if state not in _FOLLOWS[before]:
                raise RuntimeError(
                    f"slot {slot}: got {state.value} after {before.value}, expected "
                    "another order; this is a bug"
                )
            self._states[slot] = state
            if state is SlotState.FREE:
                self._free.append(slot)

    @property
    def has_free(self) -> bool:
        """Whether a slot can be taken."""
        return bool(self._free)

    def count(self, state: SlotState) -> int:
        """Returns how many slots are in a state."""
        with self._lock:
            return self._states.count(state)
