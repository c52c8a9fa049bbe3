"""The items of one caller of a pool: given, waited for, set aside, given again."""

import queue
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.trial import Case, Trials

_MAX_SET_ASIDE: Final = 8
"""Each holds a photo in memory; where as many kill their lanes, it is the machine."""

Key = TypeVar("Key")
Done = tuple[Any, Answer]
Replies = queue.SimpleQueue["list[Done | Work | BaseException]"]
"""What became known, as much at once as there is: each hand-over wakes a thread."""


@dataclass(eq=False)
class Work:
    """An item on its way.

    Attributes:
        key: The caller's.
        case: What is asked, and how that went.
        replies: Where the answer goes.
        state: What the pool keeps of it, if it is set aside.
    """

    key: Any
    case: Case
    replies: Replies
    state: Any = None


class Caller:
    """The items of one caller: those on their way, and those that are set aside.

    Args:
        put: Gives an item to the pool.
        trials: The pool's.
    """

    def __init__(self, put: Callable[[Work], None], trials: Trials):
        self._put, self._trials = put, trials
        self._replies: Replies = queue.SimpleQueue()
        self._aside: list[Work] = []
        self._at_end = False
        self._waiting = 0

    def answers(
        self, items: Iterable[tuple[Key, Request | Answer]], *, depth: int
    ) -> Iterator[tuple[Key, Answer]]:
        """Yields the answers as they come; see `pool.LanePool.answer`.

        Args:
            items: A key of the caller's each, and what to ask.
            depth: Most items that are on their way at once.
        """
        for key, asked in items:
            self._give(key, asked)
            while self._waiting >= depth:
                yield from self._take()
        while self._waiting or self._aside:
            if not self._waiting:  # a last try for what was set aside
                self._at_end = True
                self._ask_again()
            yield from self._take()

    def _give(self, key: Any, asked: Request | Answer) -> None:
        self._waiting += 1
        if isinstance(asked, Request):
            self._put(Work(key, Case(asked, probe=asked), self._replies))
        else:
            self._replies.put([(key, asked)])

    def _take(self) -> Iterator[Done]:
        """Waits for items that are done; yields none where they have to be set aside.

        Raises:
            SystemicFault: No request is to blame.
        """
        for done in self._replies.get():
            self._waiting -= 1
            if isinstance(done, BaseException):
                raise done
            if isinstance(done, Work):
                self._set_aside(done)
            else:
                yield done
        if self._aside and self._trials.can_prove:
            self._ask_again()

    def _set_aside(self, work: Work) -> None:
        self._aside.append(work)
        if self._at_end or len(self._aside) > _MAX_SET_ASIDE:
            raise work.case.unproven()

    def _ask_again(self) -> None:
        for work in self._aside:
            self._put(work)
        self._waiting += len(self._aside)
        self._aside.clear()
