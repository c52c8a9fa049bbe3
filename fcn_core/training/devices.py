"""Where training runs: one device, or several that share every batch."""

from typing import Any, Final

import tensorflow as tf

import fcn_core
from fcn_core.recipes.recipe import RecipeError
from fcn_core.versions import versions_of

_DECIDE: Final = ("keras", "tensorflow", "numpy", "pillow", "simplejpeg")
"""Packages that decode photos and compute."""


def strategy(count: int) -> Any:
    """Returns TensorFlow's strategy for a number of devices, None for one.

    Replicas hold the same weights; each gets its share of every batch, and gradients
    are summed (see `trainer`).

    Args:
        count: Devices, 0 takes all GPUs. Without GPUs the logical CPUs count.

    Raises:
        RecipeError: There are fewer.
    """
    names = [device.name for device in tf.config.list_logical_devices("GPU")]
    count = count or max(1, len(names))
    names = names or [device.name for device in tf.config.list_logical_devices("CPU")]
    if count > len(names):
        raise RecipeError(
            f"devices: got {count}, expected at most the {len(names)} that TensorFlow "
            f"sees ({', '.join(names)})"
        )
    return tf.distribute.MirroredStrategy(names[:count]) if count > 1 else None


def describe() -> str:
    """Names the kind of device that TensorFlow computes on: a GPU's model, or CPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    details = tf.config.experimental.get_device_details(gpus[0])
    return str(details.get("device_name", "GPU"))


def versions() -> dict[str, str]:
    """Returns the versions of what decodes photos and computes, by package."""
    return {"fcn_core": fcn_core.__version__} | versions_of(*_DECIDE)
