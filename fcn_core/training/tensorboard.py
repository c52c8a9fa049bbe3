"""TensorBoard's files of a run: scalars, and masks of a few photos."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def write(
    folder: Path,
    *,
    epoch: int,
    scalars: Mapping[str, float],
    panels: Mapping[str, NDArray[np.uint8]] = MappingProxyType({}),
    prefix: str = "",
) -> None:
    """Adds an epoch to a run's event files.

    Args:
        folder: Of the event files.
        epoch: Its number.
        scalars: By name; the IoU of a class is shown as `iou/CLASS`.
        panels: Pictures uint8 `[h, w, 3]` by name.
        prefix: Comes before the names of scalars.
    """
    writer: Any = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for name, value in scalars.items():
            shown = f"iou/{name[4:]}" if name.startswith("iou_") else name
            tf.summary.scalar(prefix + shown, value, step=epoch)
        for name, panel in panels.items():
            tf.summary.image(f"masks/{name}", panel[None], step=epoch)
    writer.close()
