"""Memory of a night, around a device or not, does not grow with the number of photos.

Up to a few thousand photos allocators and the list of photos still add a little; from
5,000 to 10,000 it is 1% (`docs/gpu.md`).
"""

import os
from pathlib import Path

import pytest

from benchmarks import night_memory

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "device", [["--device", "none"], ["--device", "cpu", "--gpu_batch", "8"]]
)
def test_ten_times_the_photos_take_no_more_memory(
    segmentation_bundle: Path, tmp_path: Path, device: list[str]
) -> None:
    model = ["--model", os.fspath(segmentation_bundle)]
    words = [*model, "--masks", "none", "--lanes", "2", *device]
    few, many = (
        night_memory.measure(tmp_path, count, words)["peak_mib"]
        for count in (500, 5000)
    )
    assert many <= 1.05 * few, (few, many)
