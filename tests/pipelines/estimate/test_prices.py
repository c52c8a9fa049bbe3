"""The shipped prices are a price list; a person's own replaces them, or is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.estimate import prices
from pipelines.faults import UsageError

SHIPPED = Path(prices.__file__).with_name("prices.yaml")


def _changed(folder: Path, **changes: Any) -> str:
    content = yaml.safe_load(SHIPPED.read_text()) | changes
    path = folder / "prices.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not ...}))
    return str(path)


def test_the_shipped_list_is_dated_and_names_its_source() -> None:
    found = prices.read_prices(None)
    assert found.as_of.year >= 2025
    assert "price list" in found.source
    assert {machine.gpu is None for machine in found.machines} == {True, False}


def test_an_hour_of_a_worker_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    place = _changed(
        tmp_path,
        worker={"vcpu_hour": 0.05, "memory_gb_hour": 0.01, "disk_gb_hour": 0.001},
        gpu_hour={"nvidia-l4": 0.7},
    )
    cpu, gpu = prices.read_prices(place).machines
    assert prices.read_prices(place).worker_hour(cpu) == pytest.approx(
        8 * 0.05 + 32 * 0.01 + 25 * 0.001
    )
    assert prices.read_prices(place).worker_hour(gpu) == pytest.approx(
        8 * 0.05 + 32 * 0.01 + 50 * 0.001 + 0.7
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"as_of": "soon"}, "as_of: got 'soon'"),
        ({"source": ...}, "source: got"),
        ({"discount": 0.4}, "discount: got '0.4'"),
        ({"start_minutes": -1}, "start_minutes"),
        ({"gpu_hour": {}}, "price of nvidia-l4"),
        ({"machines": [{"machine_type": "x", "vcpus": 8}]}, "machines.0.memory_gb"),
    ],
)
def test_refuses(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        prices.read_prices(_changed(tmp_path, **changes))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_machine_has_one_pace(tmp_path: Path) -> None:
    machine = {"machine_type": "x", "vcpus": 8, "memory_gb": 32, "disk_gb": 25}
    for pace in ({}, {"speed": 1, "images_per_second": 5}):
        with pytest.raises(UsageError, match="one of speed and images_per_second"):
            prices.read_prices(_changed(tmp_path, machines=[machine | pace]))


@pytest.mark.parametrize("content", [None, b"\xff", b"a: [", b"- 1"])
def test_what_is_no_price_list_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "prices.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="--prices"):
        prices.read_prices(str(path))
