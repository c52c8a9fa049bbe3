"""What a pool of lanes is to run, and within which limits."""

from dataclasses import dataclass, field, replace
from typing import Final

from fcn_core import machine
from pipelines.lanes.budget import ORDINARY_BYTES
from pipelines.lanes.gpu.settings import DeviceSettings
from pipelines.lanes.messages import Header

LANE_BYTES: Final = 205 * 10**6
"""A lane at rest with a built-in model; a photo comes on top of it."""

_REST_BYTES: Final = 384 << 20
"""The process that drives the lanes."""


@dataclass(frozen=True)
class LaneLimits:
    """What one request may cost before its lane is taken down.

    Attributes:
        cpu_seconds: CPU time of one request.
        memory_bytes: Memory that one request may add to its lane; None: the lane has no
            limits but `silence_seconds`.
        recycle_bytes: A lane that holds more than this between two requests is
            replaced by a fresh one.
        silence_seconds: Wall time without an answer after which a lane counts as
            stuck (stopped, starved); no request is blamed for it.
    """

    cpu_seconds: float = 60.0
    memory_bytes: int | None = 2 << 30
    recycle_bytes: int = 3 << 30
    silence_seconds: float = 300.0


@dataclass(frozen=True)
class LaneSettings:
    """A pool of lanes; equal settings share one pool of an attempt.

    Attributes:
        task: `module:Class`, see `lanes.child.Task`.
        config: JSON-able settings that the task is built from; never changed.
        lanes: Number of child processes; None: the worker that starts them counts its
            cores, since the launcher may be on another machine.
        limits: Budgets of one request.
        device: What the lanes feed, where their models run on a device.
        inherited: Descriptors that they get from us, under the same numbers.
        environment: Variables that they have besides the usual ones.
    """

    task: str
    config: Header = field(hash=False)
    lanes: int | None
    limits: LaneLimits = field(default_factory=LaneLimits)
    device: DeviceSettings | None = field(default=None, kw_only=True)
    inherited: tuple[int, ...] = field(default=(), kw_only=True)
    environment: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)

    @property
    def count(self) -> int:
        """The number of lanes here: one a core that we may use, unless it is set.

        Fewer where they would not all fit into the memory that we may use.
        """
        if self.lanes:
            return self.lanes
        fitting = (machine.memory_bytes() - _REST_BYTES) // (
            LANE_BYTES + ORDINARY_BYTES
        )
        return max(1, min(machine.usable_cores(), fitting))

    def shared_by(self, processes: int) -> "LaneSettings":
        """Returns the lanes of one of several processes that share this host."""
        if self.lanes is not None:
            return self
        return replace(self, lanes=max(1, self.count // processes))
