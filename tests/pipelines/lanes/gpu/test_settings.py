"""Settings of devices: how many rows and slots, and which GPUs there are."""

import pytest

from fcn_core import machine
from fcn_core.scoring import gpus
from fcn_core.scoring.gpus import Gpu
from pipelines.faults import SystemicFault
from pipelines.lanes.gpu.settings import DeviceSettings

MIB = 1 << 20


def settings(slot_mib: int = 2, **changes: object) -> DeviceSettings:
    return DeviceSettings(task="", slot_bytes=slot_mib * MIB, names=("0",), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("memory_mib", "slot_mib", "batch", "expected"),
    [
        (16000, 2, 32, 192),  # four batches, 16 a lane
        (16000, 2, 1, 68),
        (16000, 64, 32, 16),  # 1 GiB
        (1000, 2, 32, 125),  # a quarter of a small machine
        (1000, 200, 32, 9),  # never fewer than lanes can have in hand
    ],
)
def test_slots_are_bounded_by_memory(
    *,
    monkeypatch: pytest.MonkeyPatch,
    memory_mib: int,
    slot_mib: int,
    batch: int,
    expected: int,
) -> None:
    monkeypatch.setattr(machine, "memory_bytes", lambda: memory_mib * MIB)
    assert settings(slot_mib, batch=batch).slots(lanes=4) == expected


@pytest.mark.parametrize(
    ("pixels", "limit", "expected"),
    [(100, None, 32), (1000, None, 10), (10**6, None, 1), (1000, 3000, 3)],
)
def test_rows_by_the_pixels_of_a_batch(
    pixels: int, limit: int | None, expected: int
) -> None:
    found = settings(batch=32, batch_pixels=10_000)
    assert found.rows(pixels, limit) == expected


def test_all_gpus_of_the_planned_model_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [Gpu("0", 8.9, "L4"), Gpu("1", 7.5, "T4"), Gpu("2", 8.9, "L4")]
    monkeypatch.setattr(gpus, "visible_gpus", lambda: found)
    every = DeviceSettings(task="", slot_bytes=1)
    assert every.here("L4").names == ("0", "2")
    assert settings().here("L4").names == ("0",)
    with pytest.raises(SystemicFault, match="got L4, T4, expected A100 as in the plan"):
        every.here("A100")
