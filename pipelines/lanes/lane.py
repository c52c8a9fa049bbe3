"""A lane as its thread drives it: one process after the other."""

import contextlib
from collections.abc import Callable, Sequence

from pipelines.faults import SystemicFault
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.process import Death, LaneProcess
from pipelines.lanes.settings import LaneSettings


class Lane:
    """One process after the other.

    Args:
        settings: What they run.
        kernel_kills: See `LaneProcess`.
    """

    def __init__(self, settings: LaneSettings, kernel_kills: Callable[[], int]):
        self._settings, self._kernel_kills = settings, kernel_kills
        self._process: LaneProcess | None = None

    def start_early(self) -> None:
        """Starts before there is work; the first request reports what is wrong."""
        # RuntimeError: no thread is to be had to watch it.
        with contextlib.suppress(Death, OSError, RuntimeError, SystemicFault):
            self._process = LaneProcess(self._settings, self._kernel_kills)

    def call(self, request: Request, *, alone: bool = False) -> Answer:
        """Has a request answered, by a new process if the last one is gone."""
        return self._living().call(request, alone=alone)

    def call_together(self, requests: Sequence[Request]) -> list[Answer]:
        """Has several requests answered with one message; else as `call`."""
        return self._living().call_together(requests)

    def _living(self) -> LaneProcess:
        if self._process is None or not self._process.alive:
            self._process = LaneProcess(self._settings, self._kernel_kills)
        return self._process

    def close(self) -> None:
        """Ends its process; the next request starts another."""
        if self._process is not None:
            self._process.close()
