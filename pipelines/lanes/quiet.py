"""Many threads side by side, or one alone."""

import contextlib
import threading
from collections.abc import Iterator


class Quiet:
    """Lets many threads work side by side, or one alone."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._working = 0
        self._alone = False

    @contextlib.contextmanager
    def side_by_side(self) -> Iterator[None]:
        """Waits until nobody is alone; keeps those out who want to be."""
        with self._condition:
            if self._alone:
                self._condition.wait_for(lambda: not self._alone)
            self._working += 1
        try:
            yield
        finally:
            with self._condition:
                self._working -= 1
                if self._alone:
                    self._condition.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until all others are at rest, and keeps them there."""
        with self._condition:
            self._condition.wait_for(lambda: not self._alone)
            self._alone = True
            self._condition.wait_for(lambda: self._working == 0)
        try:
            yield
        finally:
            with self._condition:
                self._alone = False
                self._condition.notify_all()
