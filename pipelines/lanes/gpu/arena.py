"""Memory that a worker's lanes share: pixels and logits, in slots of one size.

It has no name. Descriptors are all that leads to it, and lanes inherit them; when the
last process that has one is gone, however it ended, the kernel takes the memory back.
So nothing can be left behind, and the size of `/dev/shm`, small in containers, does not
matter. A page that nobody has touched takes no memory.
"""

import mmap
import os
import tempfile
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Arena:
    """Slots in shared memory, as any of the processes knows them.

    Attributes:
        descriptor: Of the memory; the same number in all processes.
        slots: How many slots there are.
        slot_bytes: The size of each, a multiple of the page size.
    """

    descriptor: int
    slots: int
    slot_bytes: int

    @classmethod
    def create(cls, slots: int, slot_bytes: int) -> Self:
        """Makes the memory; its creator must `close` it.

        Args:
            slots: How many slots.
            slot_bytes: The least size of each.
        """
        pages = -(-slot_bytes // mmap.PAGESIZE)
        arena = cls(_anonymous_file(), slots, pages * mmap.PAGESIZE)
        os.truncate(arena.descriptor, arena.total_bytes)
        return arena

    @property
    def total_bytes(self) -> int:
        """The size of all slots."""
        return self.slots * self.slot_bytes

    def map(self) -> memoryview:
        """Returns the memory of all slots."""
        return memoryview(mmap.mmap(self.descriptor, self.total_bytes))

    def block(self, memory: memoryview, slot: int) -> memoryview:
        """Returns the memory of one slot.

        Args:
            memory: As `map` returns it.
            slot: Its number.
        """
        start = slot * self.slot_bytes
        return memory[start : start + self.slot_bytes]

    def close(self) -> None:
        """Gives the memory back as soon as no lane has it either."""
        os.close(self.descriptor)


def _anonymous_file() -> int:
    """Returns a descriptor of a file in memory, or of one on a disk without a name."""
    try:
        return os.memfd_create("fcn-slots")
    except (AttributeError, OSError):  # no Linux
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
