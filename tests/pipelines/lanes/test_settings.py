"""How many lanes a process starts: counted where they run, not where they are asked."""

import os
from pathlib import Path

import pytest

from fcn_core import machine
from pipelines.chunks.attempt import Attempt
from pipelines.lanes.pool import pool_of
from pipelines.lanes.settings import LaneSettings
from tests.fcn_core.test_machine import GIB, Tree


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A machine of 64 cores and 256 GiB, whose control groups set no limit."""
    tree = Tree(tmp_path, 2, "/box")
    sizes = {"SC_PHYS_PAGES": 256 * GIB // 4096, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    for name in ("usable_cores", "memory_bytes"):
        ask = getattr(machine, name)
        monkeypatch.setattr(machine, name, lambda ask=ask: ask(tree.proc))
    return tree


def lanes(number: int | None) -> LaneSettings:
    return LaneSettings(task="tests.doubles.lane:Echo", config={}, lanes=number)


def test_one_a_core_unless_their_number_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert lanes(None).count == 64
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert lanes(None).count == 8
    assert lanes(3).count == 3


def test_a_container_of_two_cores_and_two_gigabytes_has_two(tree: Tree) -> None:
    tree.cores("box", 2)
    tree.memory("box", 2 * GIB)
    assert lanes(None).count == 2
    assert lanes(5).count == 5  # --lanes always wins


@pytest.mark.parametrize(
    ("memory", "fitting"), [(GIB // 2, 1), (GIB, 1), (2 * GIB, 3), (16 * GIB, 35)]
)
def test_no_more_than_fit_into_the_memory(
    tree: Tree, memory: int, fitting: int
) -> None:
    """205 MB at rest and 256 MiB for a photo each, 384 MiB for the rest."""
    tree.memory("box", memory)
    assert lanes(None).count == fitting


@pytest.mark.parametrize(
    ("processes", "each"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)]
)
def test_processes_of_a_host_share_its_cores(
    tree: Tree, processes: int, each: int
) -> None:
    tree.cores("box", 8)
    assert lanes(None).shared_by(processes).count == each
    assert lanes(5).shared_by(processes).count == 5  # --lanes always wins


def test_a_pool_has_the_share_of_its_attempt(tree: Tree) -> None:
    tree.cores("box", 4)
    with Attempt(processes=4) as attempt:
        pool = pool_of(attempt, lanes(None))
        assert pool.settings.count == 1
        assert pool_of(attempt, lanes(None)) is pool
