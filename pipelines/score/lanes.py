"""Which lanes a night has: how many, what they run, and around which device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.stages import PhotoStages
from pipelines.lanes.gpu.settings import DeviceSettings
from pipelines.lanes.models import planned_arithmetics
from pipelines.lanes.settings import LaneSettings
from pipelines.score.nights import Night
from pipelines.score.plan import ScoreSettings

_GPU_TASK: Final = "pipelines.lanes.gpu.networks:Networks"

_ROWS: Final = 32
_ROWS_ON_CPU: Final = 4
"""Rows of a batch of ordinary photos. On a CPU they save no time."""

_ORDINARY_PIXELS: Final = 640 * 640


@dataclass(frozen=True)
class Device:
    """What a command wants of a device.

    Attributes:
        name: As in `ScoreConfig.device`.
        batch: As in `ScoreConfig.gpu_batch`.
    """

    name: str = "auto"
    batch: int | None = None


DEFAULT_DEVICE: Final = Device()


def lane_settings(
    night: Night, lanes: int | None, device: Device = DEFAULT_DEVICE
) -> LaneSettings:
    """Returns the lanes that score a night's photos.

    Args:
        night: The night.
        lanes: Their number; one a core if None.
        device: What the command wants of a device.
    """
    settings = night.plan.settings
    config = {
        "models": [
            {"name": model.name, "fingerprint": model.card.fingerprint}
            for model in night.models
        ],
        **settings.model_dump(
            include={"engine", "precision", "instruction_set", "max_side", "tile"}
        ),
        "masks": settings.has_masks,
    }
    planned = planned_arithmetics(config)
    if not _has_device(settings, device, planned):
        task = "pipelines.score.lane:ScorePhotos"
        return LaneSettings(task=task, config=config, lanes=lanes)
    return LaneSettings(
        task="pipelines.score.lane:PhotosAroundDevice",
        config=config,
        lanes=lanes,
        device=_device_settings(night, device, planned),
    )


def _has_device(
    settings: ScoreSettings, device: Device, planned: Sequence[Arithmetic]
) -> bool:
    if device.name == "none" or settings.tile is not None:
        return False
    return device.name == "cpu" or any(each.on_gpu for each in planned)


def _device_settings(
    night: Night, device: Device, planned: Sequence[Arithmetic]
) -> DeviceSettings:
    stages = PhotoStages(
        [model.card for model in night.models],
        arithmetics=planned,
        max_side=night.plan.settings.max_side,
    )
    rows = _ROWS_ON_CPU if device.name == "cpu" else _ROWS
    return DeviceSettings(
        task=_GPU_TASK,
        slot_bytes=stages.block_bytes,
        names=() if device.name == "auto" else (device.name,),
        batch=device.batch or rows,
        batch_pixels=None if device.batch else rows * _ORDINARY_PIXELS,
    )
