"""Photos over a device: each gets what is its own, whatever they share."""

import os
import time
from pathlib import Path

import pytest

from pipelines.faults import SystemicFault
from tests.runs.device_runs import DevicePools, ask, good, reasons
from tests.runs.processes import is_alive, shared_names


@pytest.mark.parametrize(("lanes", "batch"), [(1, 1), (2, 3), (3, 8)])
def test_each_photo_gets_what_is_its_own(
    start_device: DevicePools, lanes: int, batch: int
) -> None:
    words = good(40)
    assert reasons(ask(start_device(lanes=lanes, batch=batch), *words)) == {}
    computed = start_device.batches()
    assert {size for size, _, _ in computed} == {batch}
    assert sorted(word for _, _, rows in computed for word in rows) == sorted(words)
    for _, _, rows in computed:  # of one shape
        assert len({len(word) % 2 for word in rows}) == 1


def test_several_models_and_devices_share_the_slots(start_device: DevicePools) -> None:
    words = good(30)
    assert reasons(ask(start_device(devices=2, models=3), *words)) == {}
    computed = [(m, word) for _, m, rows in start_device.batches() for word in rows]
    assert sorted(computed) == sorted((m, word) for word in words for m in range(3))


def test_full_batches_are_the_rule(start_device: DevicePools) -> None:
    words = [word for word in good(300) if len(word) % 2]
    ask(start_device(batch=4), *words)
    computed = [rows for _, _, rows in start_device.batches()]
    assert len(computed) <= 1.3 * len(words) / 4


def test_the_last_rows_of_each_kind_do_not_wait(start_device: DevicePools) -> None:
    pool = start_device(batch=8, models=9)
    ask(pool, *good(3))
    start = time.monotonic()
    ask(pool, *good(3), "bad@before")
    # 18 kinds with few rows each; to wait 0.05 s before each would take 0.9 s.
    assert time.monotonic() - start < 0.6


def test_a_bad_photo_frees_its_slot(start_device: DevicePools) -> None:
    words = [f"bad@before#{n}" for n in range(20)] + [
        f"bad@after#{n}" for n in range(9)
    ]
    found = reasons(ask(start_device(batch=1, lanes=1), *words, *good(5)))
    assert found == dict.fromkeys(words, "corrupt")


def test_the_arena_has_no_name_and_goes_with_the_pool(
    start_device: DevicePools,
) -> None:
    pool = start_device()
    pids = {answer.reply["pid"] for answer in ask(pool, *good(10)).values()}
    assert shared_names(os.getpid(), *pids) == []
    descriptor = pool._arena.descriptor
    pool.close()
    start_device.forget(pool)
    assert not Path(f"/proc/self/fd/{descriptor}").exists()
    assert [pid for pid in pids if is_alive(pid)] == []


def test_a_device_that_does_not_start_is_one_line(start_device: DevicePools) -> None:
    with pytest.raises(SystemicFault, match=r"^CUDA error: no device$"):
        ask(start_device(gone="yes"), *good(5))


def test_a_fault_is_everybodys(start_device: DevicePools) -> None:
    pool = start_device()
    ask(pool, *good(3))
    start_device.journal.with_name("lost").touch()
    for _ in range(2):
        with pytest.raises(SystemicFault, match="the device is lost"):
            ask(pool, *good(5))
