"""The lanes of a conversion: known before Beam is, so that they can start beside it."""

import json
import os

from pipelines.convert_plan import ConvertPlan
from pipelines.lane_process import LaneSettings
from pipelines.lanes import shared_pool


def settings(plan: ConvertPlan, *, lanes: int | None) -> LaneSettings:
    """Returns the lanes that a plan needs.

    Args:
        plan: What to do.
        lanes: How many processes; as many as cores if None.
    """
    task = {"maker": plan.content.maker, "settings": plan.content.maker_settings}
    return LaneSettings(
        task="pipelines.lane_tasks:ConvertEntries",
        config=json.dumps(task),
        lanes=lanes or len(os.sched_getaffinity(0)),
    )


def start(plan: ConvertPlan, *, lanes: int | None) -> None:
    """Starts the lanes of this process; whoever asks for the same gets these."""
    shared_pool(settings(plan, lanes=lanes))
