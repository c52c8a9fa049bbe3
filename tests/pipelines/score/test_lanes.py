"""The lanes of a night: around a device where the plan is a GPU's, else without."""

from pathlib import Path

import pytest

from pipelines.score import lanes, nights
from pipelines.score.config import ScoreConfig
from pipelines.score.lanes import Device
from tests.runs import score_runs

GPU = ("--engine", "tensorflow", "--precision", "f16", "--instruction_set", "Tesla T4")


def plan(folder: Path, bundle: Path, *more: str) -> nights.Night:
    score_runs.add_photos(folder / "photos", 1)
    words = score_runs.words(
        folder / "photos", folder / "out", "--model", str(bundle), *more
    )
    config, _ = ScoreConfig.parse(words[1:])
    return nights.plan_night(config)


@pytest.mark.parametrize(
    ("flags", "device", "names"),
    [
        ((), Device(), None),
        ((), Device("none"), None),
        ((), Device("cpu"), ("cpu",)),
        (GPU, Device(), ()),
        (GPU, Device("1"), ("1",)),
        (GPU, Device("none"), None),
        ((*GPU, "--max_side", "999", "--tile", "256"), Device(), ()),
    ],
)
def test_who_computes_a_plan(
    *,
    tmp_path: Path,
    segmentation_bundle: Path,
    flags: tuple[str, ...],
    device: Device,
    names: tuple[str, ...] | None,
) -> None:
    night = plan(tmp_path, segmentation_bundle, *flags)
    found = lanes.lane_settings(night, 2, device)
    assert found.lanes == 2
    assert (found.device and found.device.names) == names
    assert found.task.endswith("ScorePhotos" if names is None else "AroundDevice")


def test_batches_are_as_large_as_asked_for(
    tmp_path: Path, segmentation_bundle: Path
) -> None:
    night = plan(tmp_path, segmentation_bundle)
    asked = lanes.lane_settings(night, 2, Device("cpu", 5)).device
    usual = lanes.lane_settings(night, 2, Device("cpu")).device
    assert asked is not None
    assert usual is not None
    assert [each.rows(640 * 640) for each in (asked, usual)] == [5, 4]
    assert [each.rows(4 * 640 * 640) for each in (asked, usual)] == [5, 1]
