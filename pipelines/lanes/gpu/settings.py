"""How a device is to be used: which, in batches of how many rows, within which time."""

from dataclasses import dataclass, replace
from typing import Final

from fcn_core import machine
from fcn_core.scoring import gpus as gpu_list
from pipelines.faults import SystemicFault

_SLOTS_PER_ROW: Final = 4
"""A batch is computed, one is gathered, and rows of other shapes wait beside."""

_SLOTS_PER_LANE: Final = 16
"""A lane does so many small steps at once."""

_MAX_ARENA_BYTES: Final = 1 << 30


@dataclass(frozen=True)
class DeviceSettings:
    """A device, or all that the host has.

    Attributes:
        task: `module:Class` of what the device's lane does, see `lanes.child.Task`.
        slot_bytes: What the largest photo takes, with its logits.
        names: Of the devices, one lane each: numbers of GPUs, or `cpu`. None: all GPUs
            of the host that the worker finds itself on.
        batch: Rows of a batch; fewer where the pixels of a shape are too many.
        batch_pixels: Most pixels of a batch; None: as many as there are.
        wait_seconds: How long an idle device waits for a batch to become full.
        patience: How many batches may be computed before a row that came earlier.
        silence_seconds: Wall time of a batch after which the lane counts as stuck; its
            first batch of a shape takes longest.
    """

    task: str
    slot_bytes: int
    names: tuple[str, ...] = ()
    batch: int = 32
    batch_pixels: int | None = None
    wait_seconds: float = 0.25
    patience: int = 16
    silence_seconds: float = 300.0

    def here(self, model: str) -> "DeviceSettings":
        """Returns the settings with the devices of this host.

        Args:
            model: Of the GPUs that the plan wants; others are left alone.

        Raises:
            SystemicFault: There is no such GPU.
        """
        if self.names:
            return self
        gpus = gpu_list.visible_gpus()
        names = tuple(gpu.number for gpu in gpus if gpu.model == model)
        if not names:
            got = ", ".join(sorted({gpu.model for gpu in gpus})) or "no GPU"
            raise SystemicFault(
                f"device: got {got}, expected {model} as in the plan; finish the night "
                "where it began, or discard it and name what the workers have "
                "(--instruction_set)"
            )
        return replace(self, names=names)

    def slots(self, lanes: int) -> int:
        """Returns how many slots to share, by the memory that there is.

        Args:
            lanes: Decoding lanes, each of which may have one in hand.
        """
        wanted = _SLOTS_PER_ROW * self.batch * len(self.names) + _SLOTS_PER_LANE * lanes
        memory = min(_MAX_ARENA_BYTES, machine.memory_bytes() // 4)
        return max(2 * lanes + 1, min(wanted, memory // self.slot_bytes))

    def rows(self, pixels: int, limit: int | None = None) -> int:
        """Returns the rows of a batch of photos of so many pixels each, at least 1.

        Args:
            pixels: Height times width of a padded photo.
            limit: Most pixels of a batch besides `batch_pixels`.
        """
        limits = [most for most in (self.batch_pixels, limit) if most is not None]
        return max(1, min([self.batch, *(most // pixels for most in limits)]))
