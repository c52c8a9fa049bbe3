"""Pools of doubles for tests of lanes: how they are started and asked."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.pool import Answering, LanePool
from pipelines.lanes.settings import LaneLimits, LaneSettings

LIMITS = LaneLimits(cpu_seconds=0.3, memory_bytes=256 << 20)


class Pools:
    """Starts pools of doubles, and closes them with the test.

    Args:
        folder: Where the journal of `doubles.lane.Perils` lies.
    """

    def __init__(self, folder: Path):
        self._journal = folder / "journal"
        self._started: list[LanePool] = []

    def __call__(
        self, task: str, *, count: int = 2, limits: LaneLimits = LIMITS, **config: str
    ) -> LanePool:
        if task == "Perils":
            config["journal"] = os.fspath(self._journal)
        pool = LanePool(
            settings(task, count=count, limits=limits, **config),
            kernel_kills=self._count_kills,
        )
        self._started.append(pool)
        return pool

    def _count_kills(self) -> int:
        """Counts what stands for the kernel's OOM killer in `doubles.lane.Perils`."""
        kills = self._journal.with_name("kills")
        return kills.stat().st_size if kills.exists() else 0

    def journal(self) -> list[tuple[float, str, str]]:
        """Returns (time, begin or end, word) of every try."""
        lines = self._journal.read_text().splitlines()
        return [
            (float(t), kind, w) for t, kind, w in (line.split(" ", 2) for line in lines)
        ]

    def begun(self) -> list[str]:
        """Returns the word of every try."""
        return [word for _, kind, word in self.journal() if kind == "begin"]

    def close(self) -> None:
        for pool in self._started:
            pool.close()


def settings(
    task: str, *, count: int = 2, limits: LaneLimits = LIMITS, **config: str
) -> LaneSettings:
    return LaneSettings(f"tests.doubles.lane:{task}", dict(config), count, limits)


def requests(*words: str) -> list[tuple[int, Request]]:
    return [
        (number, Request({"word": word}, [word.encode()], name=f"photo {word}"))
        for number, word in enumerate(words)
    ]


def answers(pool: Answering, *words: str) -> list[Answer]:
    """Returns the answers in the order of their words."""
    by_number = dict(pool.answer(requests(*words)))
    assert sorted(by_number) == list(range(len(words)))
    return [by_number[number] for number in range(len(words))]


def wait_for(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
