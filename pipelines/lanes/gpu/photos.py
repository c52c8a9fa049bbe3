"""A photo on its way over a device, and its rows."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipelines.lanes.caller import Work
from pipelines.lanes.gpu.arena import Arena
from pipelines.lanes.messages import Answer, Garbled, Header, Request
from pipelines.lanes.trial import Case


class Kind(NamedTuple):
    """What the rows of a batch have in common: a model, and the size of the pixels."""

    model: int
    height: int
    width: int

    @property
    def pixels(self) -> int:
        """Of one row."""
        return self.height * self.width


class Photo:
    """A photo on its way; it has a slot from when it is decoded.

    Args:
        work: Whose it is, and what is asked.

    Attributes:
        slot: The number of its slot; None: it has none.
        state: What the decoding lane says of it, for the one that makes its row.
        bad: Why it has no row, once that is known.
    """

    def __init__(self, work: Work):
        self.work = work
        self.blobs, self.name = work.case.request.blobs, work.case.request.name
        # Asked of a lane to see whether it works: writes into no slot.
        probe = Request({"slot": None}, self.blobs, name=self.name)
        self.before = Case(probe, probe=probe)
        self.after: Case | None = None
        self.slot: int | None = None
        self.state: Any = None
        self.bad: Answer | None = None
        self._lock, self._rows = threading.Lock(), 0

    @property
    def total_bytes(self) -> int:
        """Length of its encoded bytes."""
        return self.before.request.total_bytes

    def to_prepare(self, slot: int) -> Case:
        """Returns the case of decoding it into a slot."""
        self.slot, self.bad = slot, None
        self.before.request = Request({"slot": slot}, self.blobs, name=self.name)
        self.work.case = self.before
        return self.before

    def to_finish(self) -> Case:
        """Returns the case of making its row."""
        header = {"slot": self.slot, "photo": self.state}
        request = Request(header, [], name=self.name)
        if self.after is None:
            self.after = Case(request)
        self.after.request = request
        self.work.case = self.after
        return self.after

    def prepared(self, reply: Header, arena: Arena) -> "list[Row]":
        """Takes what the decoding lane replied; returns the rows to be computed.

        Raises:
            Garbled: The reply is not one.
        """
        try:
            self.state = reply["photo"]
            rows = [_row(self, row, arena) for row in reply["rows"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Garbled(f"got no rows of a photo: {error}") from error
        self._rows = len(rows)
        return rows

    def row_done(self, bad: Answer | None = None) -> bool:
        """Takes down that a row is computed, or cannot be; returns if it was the last.

        Args:
            bad: Why it cannot be computed.
        """
        with self._lock:
            self.bad = self.bad or bad
            self._rows -= 1
            return self._rows == 0


@dataclass(eq=False)
class Row:
    """A photo for one model.

    Attributes:
        photo: Whose it is.
        kind: What it can share a batch with.
        places: Where pixels and logits begin in the arena, in bytes.
        since: When it began to wait.
        turn: How many batches were computed before that.
        strikes: How often it took its device's lane down, alone.
        kills: How often such a lane was killed from outside.
    """

    photo: Photo
    kind: Kind
    places: Sequence[int]
    since: float = field(default_factory=time.monotonic)
    turn: int = 0
    strikes: int = 0
    kills: int = 0


def _row(photo: Photo, described: Sequence[Any], arena: Arena) -> Row:
    model, height, width, *places = described
    numbers = (model, height, width, *places)
    if photo.slot is None or not all(type(n) is int and n >= 0 for n in numbers):
        raise ValueError(f"got a row of {described}")
    if len(places) < 2 or max(places) >= arena.slot_bytes or not height * width:
        raise ValueError(f"got a row of {described} in a slot of {arena.slot_bytes}")
    start = photo.slot * arena.slot_bytes
    return Row(photo, Kind(model, height, width), [start + place for place in places])
