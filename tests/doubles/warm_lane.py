"""Lanes that stay warm: the real tasks in the process that asks, opened once.

A process of its own loads libraries and models for every night, which takes longer than
the few photos of a test. For tests of what is around the lanes; those of processes, of
deaths and of whole journeys use real ones.
"""

import importlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault
from pipelines.lanes import lane
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneSettings

_Key = tuple[str, str]

_AT_REST: Final = defaultdict[_Key, list[Any]](list)
"""Tasks that no lane uses, by what they were built from."""
_LOCK: Final = threading.Lock()
_COMPUTING: Final = threading.Lock()
"""OpenVINO's first calls in two threads at once wait for each other forever."""


class WarmLane:
    """A lane as `lanes.lane` uses `LaneProcess`, without a process.

    Args:
        settings: What it runs; a task of equal settings is used again.
        kernel_kills: Not asked: nothing dies here.
    """

    def __init__(self, settings: LaneSettings, kernel_kills: Callable[[], int]):
        del kernel_kills
        self.alive = True
        self._key = (settings.task, json.dumps(settings.config, sort_keys=True))
        with _LOCK:
            resting = _AT_REST[self._key]
            task = resting.pop() if resting else None
        with _COMPUTING:
            self._task = task or _open(settings)

    def call(self, request: Request, *, alone: bool = False) -> Answer:
        """Answers as `lanes.child` does."""
        del alone
        try:
            with _COMPUTING:
                return answered(self._task, request)
        except Exception as error:
            raise SystemicFault(f"{error}" or type(error).__name__) from error

    def close(self) -> None:
        """Leaves the task to the next lane."""
        with _LOCK:
            if self.alive:
                _AT_REST[self._key].append(self._task)
            self.alive = False


def answered(task: Any, request: Request) -> Answer:
    """Returns what a task makes of a request, in the thread that asks."""
    try:
        return Answer(*task(request.header, request.blobs))
    except BadImage as bad:
        return Answer(bad=bad)


def task_type(name: str) -> Any:
    """Returns the task that lanes would import."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _open(settings: LaneSettings) -> Any:
    try:
        return task_type(settings.task)(settings.config)
    except Exception as error:
        raise SystemicFault(f"{error}" or type(error).__name__) from error


@contextmanager
def warm() -> Iterator[None]:
    """Has every pool of this process use warm lanes while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane, "LaneProcess", WarmLane)
        yield
    _AT_REST.clear()
