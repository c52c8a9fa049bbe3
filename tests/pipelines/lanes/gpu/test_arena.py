"""Memory that processes share: the same bytes in each, without a name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.lanes.gpu import arena
from pipelines.lanes.gpu.arena import Arena

CHILD = """
import sys
from pipelines.lanes.gpu.arena import Arena
arena = Arena(*map(int, sys.argv[1:]))
block = arena.block(arena.map(), 1)
block[:5] = bytes(block[:5])[::-1]
"""


@pytest.mark.parametrize("has_memory_files", [True, False])
def test_another_process_sees_the_same(
    monkeypatch: pytest.MonkeyPatch, has_memory_files: bool
) -> None:
    if not has_memory_files:
        monkeypatch.delattr(os, "memfd_create")
    shared = Arena.create(3, 5000)
    try:
        assert shared.slot_bytes % 4096 == 0
        memory = shared.map()
        shared.block(memory, 1)[:5] = b"abcde"
        numbers = (shared.descriptor, shared.slots, shared.slot_bytes)
        subprocess.run(
            [sys.executable, "-c", CHILD, *map(str, numbers)],
            pass_fds=[shared.descriptor],
            check=True,
            cwd=Path(arena.__file__).parents[3],
        )
        assert bytes(shared.block(memory, 1)[:5]) == b"edcba"
        assert not any(shared.block(memory, 0))
        assert not any(shared.block(memory, 2))
    finally:
        shared.close()


def test_untouched_slots_take_no_memory() -> None:
    shared = Arena.create(64, 1 << 28)
    try:
        assert shared.total_bytes == 1 << 34
        shared.map()[5 << 28] = 1
        assert os.fstat(shared.descriptor).st_blocks * 512 <= 1 << 16
    finally:
        shared.close()
