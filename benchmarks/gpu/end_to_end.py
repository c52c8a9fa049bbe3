"""Photos from files to masks through lanes and a device, against the device alone.

A sketch of a night's path that needs none of its packages: processes decode photos into
slots of shared memory, this one computes batches of them, and processes make a mask of
the logits in each slot. Nothing is written to a disk.
"""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu import photos
from benchmarks.gpu.libraries import Program
from fcn_core.geometry import Placement, Size

Prepared = tuple[int, Placement]
"""A slot with a decoded photo, and where the photo lies in it."""


@dataclass(frozen=True)
class Slots:
    """Where pixels and logits lie in shared memory.

    Attributes:
        name: Of the memory.
        count: How many slots.
        canvas: Height and width of the pixels in each.
        half: Whether logits are float16, otherwise float32.
    """

    name: str
    count: int
    canvas: Size
    half: bool

    @property
    def pixel_bytes(self) -> int:
        """Of one slot."""
        return 3 * self.canvas.height * self.canvas.width

    @property
    def cells(self) -> tuple[int, int, int]:
        """Shape of a slot's logits."""
        height, width = self.canvas
        return height // photos.STRIDE, width // photos.STRIDE, photos.CLASSES

    @property
    def total_bytes(self) -> int:
        """Of all slots; logits lie behind the pixels."""
        item = 2 if self.half else 4
        return self.count * (self.pixel_bytes + item * int(np.prod(self.cells)))

    def arrays(self, memory: SharedMemory) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Returns the pixels and the logits of all slots, as they lie there."""
        shape = (self.count, *self.canvas, 3)
        pixels: NDArray[np.uint8] = np.ndarray(shape, np.uint8, memory.buf)
        logits: NDArray[Any] = np.ndarray(
            (self.count, *self.cells),
            np.float16 if self.half else np.float32,
            memory.buf,
            offset=self.count * self.pixel_bytes,
        )
        return pixels, logits


class _Lane:
    """What a lane's process keeps; `steps` is None elsewhere."""

    steps: photos.Steps | None = None
    memory: SharedMemory
    slots: Slots


def _open(slots: Slots) -> None:
    _Lane.steps, _Lane.slots = photos.steps(), slots
    _Lane.memory = SharedMemory(slots.name)


def _prepare(path: Path, slot: int) -> Prepared:
    assert _Lane.steps is not None
    canvas = _Lane.slots.canvas
    decoded = _Lane.steps.decode(path.read_bytes(), max(canvas))
    pixels, placement = photos.fitted(decoded, canvas)
    _Lane.slots.arrays(_Lane.memory)[0][slot] = pixels
    return slot, placement


def _finish(slot: int, placement: Placement) -> int:
    assert _Lane.steps is not None
    logits = _Lane.slots.arrays(_Lane.memory)[1][slot].astype(np.float32)
    found = _Lane.steps.class_map(
        logits, placement, stride=photos.STRIDE, alignment="corner"
    )
    return len(_Lane.steps.encode(found))


class Line:
    """Lanes around a device, for one network.

    Args:
        program: Computes logits at stride 8 of 21 classes.
        slots: In shared memory.
        memory: That memory.
        lanes: Processes that `_open` has prepared.
    """

    def __init__(
        self,
        program: Program,
        slots: Slots,
        *,
        memory: SharedMemory,
        lanes: ProcessPoolExecutor,
    ):
        self._program, self._lanes = program, lanes
        self._pixels, self._logits = slots.arrays(memory)
        self._count = slots.count

    def run(self, files: Sequence[Path], batch: int) -> int:
        """Returns the bytes of the masks of all photos."""
        total, todo, ready = 0, iter(files), list[Prepared]()
        free = list(range(self._count))
        preparing, finishing = set[Future[Prepared]](), dict[Future[int], int]()
        left = len(files)
        while left or preparing or ready or finishing:
            while free and left:
                left -= 1
                task = self._lanes.submit(_prepare, next(todo), free.pop())
                preparing.add(task)
            while len(ready) >= batch or (ready and not preparing and not left):
                taken, ready = ready[:batch], ready[batch:]
                self._compute(taken, batch)
                for slot, placement in taken:
                    finishing[self._lanes.submit(_finish, slot, placement)] = slot
            open_tasks: list[Future[Any]] = [*preparing, *finishing]
            done, _ = wait(open_tasks, return_when=FIRST_COMPLETED)
            ready += [task.result() for task in done & preparing]
            preparing -= done
            for made in done & finishing.keys():
                total += made.result()
                free.append(finishing.pop(made))
        return total

    def _compute(self, taken: Sequence[Prepared], batch: int) -> None:
        slots = [slot for slot, _ in taken]
        pixels = np.zeros((batch, *self._pixels.shape[1:]), np.uint8)
        pixels[: len(slots)] = self._pixels[slots]
        outputs = self._program.run(self._program.put(pixels))
        self._logits[slots] = self._program.get(outputs)[0][: len(slots)]

    def close(self) -> None:
        """Lets go of the memory."""
        del self._pixels, self._logits


@contextmanager
def line(
    program: Program, canvas: Size, *, half: bool, batch: int, lanes: int
) -> Iterator[Line]:
    """Yields lanes around a device; their processes end with the block."""
    count = 4 * batch + 2 * lanes
    sized = Slots("", count, canvas, half)
    memory = SharedMemory(create=True, size=sized.total_bytes)
    slots = Slots(memory.name, count, canvas, half)
    # Processes that begin anew: a copy of one with a device in use may hang.
    start = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(
            lanes, mp_context=start, initializer=_open, initargs=(slots,)
        ) as pool:
            made = Line(program, slots, memory=memory, lanes=pool)
            yield made
            made.close()
    finally:
        memory.close()
        memory.unlink()


def images_per_second(line: Line, files: Sequence[Path], batch: int) -> float:
    """Returns how fast photos become masks, once everything has started."""
    line.run(files[: 2 * batch], batch)
    start = time.perf_counter()
    line.run(files, batch)
    return len(files) / (time.perf_counter() - start)
