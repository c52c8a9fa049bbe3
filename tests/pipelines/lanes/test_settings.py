"""How many lanes a process starts: counted where they run, not where they are asked."""

import os

import pytest

from pipelines.chunks.attempt import Attempt
from pipelines.lanes.pool import pool_of
from pipelines.lanes.settings import LaneSettings


def lanes(number: int | None) -> LaneSettings:
    return LaneSettings(task="tests.doubles.lane:Echo", config={}, lanes=number)


def test_one_a_core_unless_their_number_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert lanes(None).count == 8
    assert lanes(3).count == 3


@pytest.mark.parametrize(
    ("processes", "each"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)]
)
def test_processes_of_a_host_share_its_cores(
    monkeypatch: pytest.MonkeyPatch, processes: int, each: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert lanes(None).shared_by(processes).count == each
    assert lanes(5).shared_by(processes).count == 5  # --lanes always wins


def test_a_pool_has_the_share_of_its_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    with Attempt(processes=4) as attempt:
        pool = pool_of(attempt, lanes(None))
        assert pool.settings.count == 1
        assert pool_of(attempt, lanes(None)) is pool
