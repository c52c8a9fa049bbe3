"""The stop flag of a process: set by Ctrl-C, checked by workers."""

import threading

from pipelines.faults import Interrupted

_stop = threading.Event()


def request_stop() -> None:
    """Asks the workers of this process to stop after the item in hand."""
    _stop.set()


def forget_stop() -> None:
    """Lets the next job of this process run."""
    _stop.clear()


def check_stop() -> None:
    """Raises Interrupted where a stop was asked for; workers call it per item."""
    if _stop.is_set():
        raise Interrupted("interrupted; run the same command again to go on")
