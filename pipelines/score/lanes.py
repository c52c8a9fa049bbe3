"""Which lanes a night has: how many, what they run, and around which device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.stages import PhotoStages
from pipelines.lanes.gpu.settings import DeviceSettings
from pipelines.lanes.models import planned_arithmetics
from pipelines.lanes.settings import LaneSettings
from pipelines.score.models import Model
from pipelines.score.nights import Night
from pipelines.score.plan import ScoreSettings

_GPU_TASK: Final = "pipelines.lanes.gpu.networks:Networks"

_ROWS: Final = 32
_ROWS_ON_CPU: Final = 4
"""Rows of a batch of ordinary photos. On a CPU they save no time."""

_ORDINARY_PIXELS: Final = 640 * 640

_FROZEN: Final = {
    "engine",
    "precision",
    "instruction_set",
    "max_side",
    "tile",
    "views",
}
"""What the plan says of how photos are scored."""


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
    return lanes_for(night.models, night.plan.settings, lanes, device=device)


def lanes_for(
    models: Sequence[Model],
    settings: ScoreSettings,
    lanes: int | None,
    *,
    device: Device = DEFAULT_DEVICE,
) -> LaneSettings:
    """Returns lanes that score photos, planned or not.

    Args:
        models: What they run.
        settings: How.
        lanes: Their number; one a core if None.
        device: What the command wants of a device.
    """
    config = {
        "models": [
            {"name": model.name, "fingerprint": fingerprint}
            for model, fingerprint in zip(
                models, settings.model_fingerprints, strict=True
            )
        ],
        **settings.model_dump(include=set(_FROZEN)),
        "masks": settings.has_masks,
    }
    planned = planned_arithmetics(config)
    if not _has_device(device, planned):
        task = "pipelines.score.lane:ScorePhotos"
        return LaneSettings(task=task, config=config, lanes=lanes)
    return LaneSettings(
        task="pipelines.score.lane:PhotosAroundDevice",
        config=config,
        lanes=lanes,
        device=_device_settings(models, settings, device, planned=planned),
    )


def _has_device(device: Device, planned: Sequence[Arithmetic]) -> bool:
    if device.name == "none":
        return False
    return device.name == "cpu" or any(each.on_gpu for each in planned)


def _device_settings(
    models: Sequence[Model],
    settings: ScoreSettings,
    device: Device,
    *,
    planned: Sequence[Arithmetic],
) -> DeviceSettings:
    stages = PhotoStages(
        [model.card for model in models],
        arithmetics=planned,
        max_side=settings.max_side,
        tile=settings.tile,
        views=settings.views,
    )
    rows = _ROWS_ON_CPU if device.name == "cpu" else _ROWS
    return DeviceSettings(
        task=_GPU_TASK,
        slot_bytes=stages.block_bytes,
        names=() if device.name == "auto" else (device.name,),
        batch=device.batch or rows,
        batch_pixels=None if device.batch else rows * _ORDINARY_PIXELS,
    )
