"""What a pool of lanes is to run, and within which limits."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LaneLimits:
    """What one request may cost before its lane is taken down.

    Attributes:
        cpu_seconds: CPU time of one request.
        memory_bytes: Memory that one request may add to its lane.
        recycle_bytes: A lane that holds more than this between two requests is
            replaced by a fresh one.
        silence_seconds: Wall time without an answer after which a lane is taken for
            stuck (stopped, starved): nobody's strike.
    """

    cpu_seconds: float = 60.0
    memory_bytes: int = 2 << 30
    recycle_bytes: int = 3 << 30
    silence_seconds: float = 300.0


@dataclass(frozen=True)
class LaneSettings:
    """What a pool of lanes is: equal settings share one pool in a process.

    Attributes:
        task: `module:Class`, see `pipelines.lane.Task`.
        config: JSON of the settings that the task is built from.
        lanes: Number of child processes.
        limits: Budgets of one request.
    """

    task: str
    config: str
    lanes: int
    limits: LaneLimits = field(default_factory=LaneLimits)
