"""Pools of doubles around a device for tests: how they are started and asked."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

from pipelines.lanes.gpu.pool import DevicePool
from pipelines.lanes.gpu.settings import DeviceSettings
from pipelines.lanes.gpu.slots import SlotState
from pipelines.lanes.messages import Answer
from pipelines.lanes.settings import LaneLimits, LaneSettings
from tests.runs.lane_runs import LIMITS, requests

SLOT_BYTES = 4096


class DevicePools:
    """Starts pools of `doubles.device`, and closes them with the test.

    Args:
        folder: Where their journal lies.
    """

    def __init__(self, folder: Path):
        self.journal = folder / "journal"
        self._started: list[DevicePool] = []

    def __call__(
        self,
        *,
        lanes: int = 2,
        batch: int = 3,
        devices: int = 1,
        limits: LaneLimits = LIMITS,
        silence_seconds: float = 60.0,
        **config: Any,
    ) -> DevicePool:
        device = DeviceSettings(
            task="tests.doubles.device:Device",
            slot_bytes=SLOT_BYTES,
            names=tuple(str(number) for number in range(devices)),
            batch=batch,
            silence_seconds=silence_seconds,
        )
        settings = LaneSettings(
            "tests.doubles.device:Around",
            {**config, "journal": os.fspath(self.journal)},
            lanes,
            limits,
        )
        pool = DevicePool(settings, device, kernel_kills=lambda: 0)
        self._started.append(pool)
        return pool

    def batches(self) -> list[tuple[int, int, list[str]]]:
        """Returns size, model and words of every batch that was begun."""
        found = []
        for line in self.journal.read_text().splitlines():
            _, _, what, *rest = line.split(" ", 5)
            if what == "batch":
                size, model, *words = rest
                found.append((int(size), int(model), "".join(words).split(",")))
        return found

    def tries(self, word: str) -> int:
        """Returns how often a peril befell a lane."""
        lines = self.journal.read_text().splitlines()
        return sum(line.endswith(f" begin {word}") for line in lines)

    def forget(self, pool: DevicePool) -> None:
        """Leaves a pool that is closed already."""
        self._started.remove(pool)

    def close(self) -> None:
        for pool in self._started:
            pool.close()


def ask(pool: DevicePool, *words: str) -> dict[str, Answer]:
    """Returns the answer about each word; none is lost, none doubled, none another's.

    Afterwards all slots are free.
    """
    found = list(pool.answer(requests(*words)))
    assert Counter(number for number, _ in found) == Counter(range(len(words)))
    named = {words[number]: answer for number, answer in found}
    for word, answer in named.items():
        if answer.bad is None:
            assert (answer.reply["word"], answer.reply["found"]) == (
                word,
                [word.upper()],
            )
    assert slots_in_use(pool) == 0
    return named


def slots_in_use(pool: DevicePool) -> int:
    return pool._arena.slots - pool._table.count(SlotState.FREE)


def lanes_of(worker: int, *, device: bool) -> list[int]:
    """Returns the lanes of a worker: those of devices, or those that decode."""
    found = []
    for tasks in Path(f"/proc/{worker}/task").glob("*/children"):
        for pid in tasks.read_text().split():
            words = Path(f"/proc/{pid}/environ").read_bytes()
            if (b"CUDA_VISIBLE" in words) == device:
                found.append(int(pid))
    return found


def reasons(answers: dict[str, Answer]) -> dict[str, str]:
    """Returns the reason of each word that is bad."""
    return {word: a.bad.reason for word, a in answers.items() if a.bad is not None}


def good(count: int) -> list[str]:
    """Returns words that nothing befalls."""
    return [f"good@nowhere#{number}" for number in range(count)]
