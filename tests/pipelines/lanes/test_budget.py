"""Budgets: a share of what is free, never less than an ordinary photo needs."""

import resource

import pytest

from pipelines.lanes.budget import ORDINARY_BYTES, Budget, ProcessMemory
from pipelines.lanes.memory import MemoryLimit

MIB = 1 << 20


class Free(MemoryLimit):
    """A limit that leaves so much."""

    def __init__(self, free: int):
        self._free = free

    def free_bytes(self, enough: int) -> int:
        del enough
        return self._free


def budget(free: int | None, *, recycle_bytes: int = 3 << 30) -> Budget:
    settings = {
        "cpu_seconds": 60.0,
        "memory_bytes": 2 << 30,
        "recycle_bytes": recycle_bytes,
        "lanes": 2,
    }
    return Budget(settings, None if free is None else Free(free))


@pytest.mark.parametrize(
    ("free", "shared", "alone"),
    [
        (None, 2048 * MIB, 2048 * MIB),
        (9000 * MIB, 2048 * MIB, 2048 * MIB),
        (1200 * MIB, 600 * MIB, 1328 * MIB),
        (300 * MIB, ORDINARY_BYTES, 428 * MIB),
        (0, ORDINARY_BYTES, ORDINARY_BYTES),
    ],
)
def test_lanes_share_what_is_free(free: int | None, shared: int, alone: int) -> None:
    found = budget(free)
    assert (found.growth_bytes(2), found.growth_bytes(1)) == (shared, alone)


def test_memory_is_limited_during_a_request_only() -> None:
    found = budget(1200 * MIB)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    cpu = resource.getrlimit(resource.RLIMIT_CPU)
    try:
        found.arm(alone=False)
        shared, _ = resource.getrlimit(resource.RLIMIT_DATA)
        found.arm(alone=True)
        alone, _ = resource.getrlimit(resource.RLIMIT_DATA)
        assert 720 * MIB < alone - shared < 740 * MIB
        with pytest.raises(MemoryError):
            bytearray(3 << 30)
    finally:
        found.disarm()
        resource.setrlimit(resource.RLIMIT_CPU, cpu)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_lane_that_grew_is_spent_where_memory_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What this process really holds, up to gigabytes, depends on the tests before.
    monkeypatch.setattr(ProcessMemory, "resident_bytes", 200 * MIB)
    short, plenty = budget(100 * MIB), budget(9000 * MIB)
    assert not short.is_lane_spent()
    grown = 200 * MIB + ORDINARY_BYTES + 64 * MIB
    monkeypatch.setattr(ProcessMemory, "resident_bytes", grown)
    assert short.is_lane_spent()
    assert not plenty.is_lane_spent()
    assert budget(None, recycle_bytes=1).is_lane_spent()
