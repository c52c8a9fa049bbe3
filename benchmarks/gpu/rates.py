"""Images a second of one network in batches of one size, and what stopped it."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu.libraries import Device, Program
from benchmarks.gpu.networks import NETWORKS
from fcn_core.machine import memory_bytes

OUT_OF_MEMORY: Final = "out of memory"

_NO_MEMORY: Final = ("resource_exhausted", "out of memory", "failed to allocate")
_MAX_RUNS: Final = 200


@dataclass(frozen=True)
class Cell:
    """What is measured: a network, how it is computed, and in which batches.

    Attributes:
        network: Its name in `NETWORKS`.
        precision: Of its multiplications.
        height: Of the photos, pixels.
        width: Likewise.
        batch: Photos of a batch.
        output: `logits` leave the device, or class `maps` that it has made.
    """

    network: str
    precision: str
    height: int
    width: int
    batch: int
    output: str = "logits"

    @property
    def program(self) -> tuple[str, str, str]:
        """What all cells of one program have in common."""
        return self.network, self.precision, self.output


@dataclass(frozen=True)
class Rate:
    """What a cell has shown.

    Attributes:
        cell: What was measured.
        images_per_second: From memory of the host to memory of the host; one batch is
            computed while the next one is brought.
        on_device: Of the computation alone; pixels and outputs stay on the device.
        first_seconds: The first batch: compilation, and what else happens once.
        note: Why there is no rate; empty: there is one.
    """

    cell: Cell
    images_per_second: float | None = None
    on_device: float | None = None
    first_seconds: float | None = None
    note: str = ""


def measure(
    cells: Iterable[Cell], device: Device, *, seconds: float, until: float = math.inf
) -> Iterator[Rate]:
    """Yields a rate of each cell, in their order.

    Args:
        cells: What to measure; those of one program stand together.
        device: Computes them.
        seconds: Time of each measurement, roughly.
        until: Value of `time.monotonic` after which cells are left out.
    """
    program: Program | None = None
    built: tuple[str, str, str] | None = None
    too_large: Cell | None = None
    for cell in cells:
        if time.monotonic() >= until:
            yield Rate(cell, note="left out: no time")
            continue
        if _is_larger(cell, too_large):
            yield Rate(cell, note=f"{OUT_OF_MEMORY} in a smaller batch")
            continue
        if not _fits_host(cell):
            yield Rate(
                cell, note="left out: its logits do not fit into the host's memory"
            )
            continue
        if cell.program != built:
            program = built = None  # gives its memory back before the next takes some
            try:
                program, built = _build(cell, device), cell.program
            except Exception as error:
                yield Rate(cell, note=reason(error))
                continue
        assert program is not None
        rate = rate_of(cell, program, seconds=seconds)
        too_large = cell if rate.note == OUT_OF_MEMORY else too_large
        yield rate


def _is_larger(cell: Cell, too_large: Cell | None) -> bool:
    if too_large is None or cell.batch < too_large.batch:
        return False
    return replace(cell, batch=too_large.batch) == too_large


def _fits_host(cell: Cell) -> bool:
    """Whether the host has memory for what comes back: two batches, and a copy."""
    if cell.output == "maps":
        return True
    spec = NETWORKS[cell.network]
    cells = cell.batch * cell.height * cell.width // spec.logits_stride**2
    return 3 * 4 * cells * spec.channels <= memory_bytes() // 2


def _build(cell: Cell, device: Device) -> Program:
    found: Program = device.program(
        NETWORKS[cell.network], cell.precision, maps=cell.output == "maps"
    )
    return found


def rate_of(cell: Cell, program: Program, *, seconds: float) -> Rate:
    """Measures one cell; a device that refuses it is a note, not an end."""
    shape = (cell.batch, cell.height, cell.width, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    try:
        return _measured(cell, program, pixels, seconds=seconds)
    # Whatever a library or a driver raises: the other cells are still of interest.
    except Exception as error:
        return Rate(cell, note=reason(error))


def reason(error: Exception) -> str:
    """Returns in a few words why a device refused something."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(w in text.lower() for w in _NO_MEMORY):
        return OUT_OF_MEMORY
    return f"{type(error).__name__}: {text[:80]}"


def _measured(
    cell: Cell, program: Program, pixels: NDArray[np.uint8], *, seconds: float
) -> Rate:
    first = _timed(lambda: program.get(program.run(program.put(pixels))))
    there = program.put(pixels)

    def compute(runs: int) -> None:
        outputs: Any = None
        for _ in range(runs):
            outputs = program.run(there)
        program.wait(outputs)

    def through(runs: int) -> None:
        waiting = deque[Any]()
        for _ in range(runs):
            waiting.append(program.run(program.put(pixels)))
            if len(waiting) == 2:
                program.get(waiting.popleft())
        while waiting:
            program.get(waiting.popleft())

    return Rate(
        cell,
        images_per_second=cell.batch * _runs_a_second(through, seconds),
        on_device=cell.batch * _runs_a_second(compute, seconds),
        first_seconds=first,
    )


def _runs_a_second(run: Callable[[int], None], seconds: float) -> float:
    """Times as many runs as fill the seconds, after two that warm up."""
    run(1)
    once = _timed(lambda: run(1))
    runs = min(_MAX_RUNS, max(1, math.ceil(seconds / max(once, 1e-6))))
    return runs / _timed(lambda: run(runs))


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
