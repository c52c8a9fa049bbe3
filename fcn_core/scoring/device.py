"""A network on a device: batches of one shape in, logits out as they are passed on."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.find import find_bundle
from fcn_core.bundles.seal import verify
from fcn_core.geometry import Size
from fcn_core.scoring import engines
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.gpu_engine import GpuEngine, program_rows
from fcn_core.scoring.scorers import check_shape, run_network
from fcn_core.scoring.stages import Block, array_at, wire_dtype


class DeviceNetwork:
    """Computes batches, whose rows do not depend on each other.

    Args:
        card: Of the model.
        engine: Runs it.
        arithmetic: Of the engine.
    """

    def __init__(
        self, card: ModelCard, engine: engines.Engine, arithmetic: Arithmetic
    ) -> None:
        self.card, self._engine, self._arithmetic = card, engine, arithmetic
        self._spare = list[NDArray[np.uint8]]()

    def compute(
        self, rows: Sequence[NDArray[np.uint8]], *, padded: Size, size: int
    ) -> Iterator[list[NDArray[Any]]]:
        """Yields the logits `[h, w, C]` of each part of the card, row by row.

        They are computed in programs of `program_rows`; zeros fill the last one. On a
        GPU one runs while the next one's pixels are put together.

        Args:
            rows: uint8 RGB `[H, W, 3]`, padded, at most `size`. None: only zeros.
            padded: Their height and width.
            size: Rows of the batch.

        Raises:
            ModelError: The logits have another shape than the card promises.
        """
        step = program_rows(*padded)
        if not isinstance(self._engine, GpuEngine):
            step = min(step, size)
        firsts = range(0, max(1, len(rows)), step)
        runs = [
            self._start(rows[first : first + step], padded, step) for first in firsts
        ]
        for first, wait in zip(firsts, runs, strict=True):
            found = []
            for part, logits in zip(self.card.parts, wait(), strict=True):
                check_shape(logits, part, padded=padded)
                dtype = wire_dtype(part, self._arithmetic)
                found.append(logits.astype(dtype, copy=False))
            for number in range(len(rows[first : first + step])):
                yield [logits[number] for logits in found]

    def _start(
        self, rows: Sequence[NDArray[np.uint8]], padded: Size, size: int
    ) -> Callable[[], Sequence[NDArray[Any]]]:
        memory, batch = self._gather(rows, (size, *padded, 3))
        if not isinstance(self._engine, GpuEngine):
            computed = run_network(self._engine, batch, self.card)
            self._spare.append(memory)
            return lambda: computed
        run = self._engine.start(batch)

        def wait() -> Sequence[NDArray[Any]]:
            found = run()
            self._spare.append(memory)  # only now nobody reads it any more
            return found

        return wait

    def _gather(
        self, rows: Sequence[NDArray[np.uint8]], shape: tuple[int, ...]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Returns rows as one array, zeros after them, and the memory that it lies in.

        Memory is used again: to have the system clear new memory costs as much as to
        copy the pixels.
        """
        length = math.prod(shape)
        memory = self._spare.pop() if self._spare else np.empty(0, np.uint8)
        if memory.size < length:
            memory = np.empty(length, np.uint8)
        batch = memory[:length].reshape(shape)
        for number, pixels in enumerate(rows):
            batch[number] = pixels
        batch[len(rows) :] = 0
        return memory, batch


def write_row(
    logits: Sequence[NDArray[Any]], block: Block, *, places: Sequence[int]
) -> None:
    """Writes the logits of one row where its photo has them.

    Args:
        logits: As `DeviceNetwork.compute` yields them.
        block: The memory that they are passed on in.
        places: Where those of each part begin.
    """
    for part, start in zip(logits, places, strict=True):
        array_at(block, start, part.shape, dtype=part.dtype)[:] = part


def open_network(name_or_path: str, arithmetic: Arithmetic) -> DeviceNetwork:
    """Opens a model for a device, after checking that its files are those of its card.

    Args:
        name_or_path: Built-in name or bundle folder.
        arithmetic: What computes it.

    Raises:
        ModelError: The model cannot be used there; the message names the cure.
    """
    bundle = find_bundle(name_or_path)
    card = ModelCard.read(bundle)
    verify(card, bundle)
    engine = engines.open_engine(bundle, arithmetic)
    if isinstance(engine, engines.TensorFlowEngine) and not engine.has_logits:
        raise ModelError(
            f"{card.label} has no signature logits, expected one to compute batches;"
            " export it with `fcn export`, or score with --device none"
        )
    return DeviceNetwork(card, engine, arithmetic)
