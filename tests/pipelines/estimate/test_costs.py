"""Hours and money, worked out here a second time from round numbers."""

import pytest

from pipelines.estimate import costs
from pipelines.estimate.config import EstimateConfig
from pipelines.estimate.counting import Count
from pipelines.estimate.measuring import Pace
from pipelines.estimate.prices import Machine, Prices, read_prices

PRICES = Prices.model_validate(
    read_prices(None).model_dump()
    | {
        "worker": {"vcpu_hour": 0.05, "memory_gb_hour": 0.0, "disk_gb_hour": 0.0},
        "storage": {"per_million_writes": 5.0, "per_million_reads": 0.4},
        "local_hour": 2.0,
        "start_minutes": 6.0,
    }
)
CPU = Machine(machine_type="cpu-8", vcpus=8, memory_gb=1, disk_gb=0, speed=1.25)
GPU = Machine(
    machine_type="gpu-8",
    vcpus=8,
    memory_gb=1,
    disk_gb=0,
    gpu="nvidia-l4",
    images_per_second=100,
)
PACE = Pace(
    photos=32,
    failed=0,
    passes=3,
    lanes=2,
    start_seconds=10.0,
    images_per_second=8.0,
)


def _count(photos: int, *, listed: int | None = None) -> Count:
    listed = photos if listed is None else listed
    chunks = -(-photos // 256)
    return Count(listed=listed, photos=photos, skipped=0, waiting=0, chunks=chunks)


def _config(**fields: object) -> EstimateConfig:
    return EstimateConfig.model_validate({"input": "photos", "workers": 10} | fields)


def test_this_machine_takes_its_pace_and_its_start() -> None:
    way = costs.this_machine(
        _count(28_800), PACE, PRICES, other_seconds=26.0, storage=0.5
    )
    assert way.hours == pytest.approx(1.0 + 36 / 3600)
    assert way.compute == pytest.approx(2.0 * way.hours)
    assert way.total == pytest.approx(way.compute + 0.5)


def test_workers_without_a_gpu_are_cores_of_this_machine() -> None:
    way = costs.on_workers(
        CPU, count=_count(1_440_000), core_pace=4.0, prices=PRICES, config=_config()
    )
    assert way is not None
    assert way.images_per_second == 4.0 * 8 * 1.25 * 10  # 400
    assert way.hours == pytest.approx(0.1 + 1.0)
    assert way.compute == pytest.approx(10 * 1.1 * 8 * 0.05)


def test_workers_with_a_gpu_have_their_own_pace_and_price() -> None:
    way = costs.on_workers(
        GPU, count=_count(3_600_000), core_pace=None, prices=PRICES, config=_config()
    )
    assert way is not None
    assert way.hours == pytest.approx(0.1 + 1.0)
    per_hour = 8 * 0.05 + PRICES.gpu_hour["nvidia-l4"]
    assert way.compute == pytest.approx(10 * 1.1 * per_hour)
    assert "nvidia-l4" in way.name


def test_a_gpu_here_says_nothing_about_workers_without() -> None:
    count, config = _count(1000), _config()
    asked = {"count": count, "core_pace": None, "prices": PRICES, "config": config}
    assert costs.on_workers(CPU, **asked) is None  # type: ignore[arg-type]


def test_no_more_workers_than_chunks() -> None:
    way = costs.on_workers(
        CPU, count=_count(600), core_pace=4.0, prices=PRICES, config=_config()
    )
    assert way is not None
    assert way.workers == 3


def test_requests_are_counted() -> None:
    count = _count(1_000_000, listed=2_000_000)
    tar = costs.requests_cost(_config(masks="tar"), count, PRICES)
    writes = 2 * 3907 + 2000 + 50
    reads = 1_000_000 + 4 * 3907 + 50
    assert tar == pytest.approx(writes * 5e-6 + reads * 0.4e-6)
    png = costs.requests_cost(_config(masks="png"), count, PRICES)
    assert png == pytest.approx(tar + 5.0)  # a million writes more


def test_requests_cost_where_a_place_is_a_bucket() -> None:
    assert not costs.is_on_store(_config())
    assert costs.is_on_store(_config(output="gs://my-bucket/out"))
    assert costs.is_on_store(_config(input="gs://my-bucket/*.jpg"))
