"""The lane of a device as its thread drives it, and what its death means.

- In a batch of several nobody is to blame: its halves are tried, one after the other.
- A row that takes the lane down alone is tried once more; the second time it is bad. It
  is blamed only where the device computes nothing but zeros in between.
- A lane that was killed from outside blames nobody.
- Where there was too little memory, batches of that model stay smaller.
- A device on which not even zeros are computed does not come back: a fault of the job.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault
from pipelines.lanes.gpu.batches import Batch, Batches
from pipelines.lanes.gpu.photos import Kind, Row
from pipelines.lanes.lane import Lane
from pipelines.lanes.messages import Answer, Header, Request
from pipelines.lanes.process import Death

_MAX_STRIKES: Final = 2
_MAX_TRIES: Final = 3
"""How often a device may fail to compute zeros, or a row's lane be killed."""


@dataclass(frozen=True)
class _Failure:
    """Why a batch has no result.

    Attributes:
        reason: Of a row, if one is to blame; None: the lane was killed from outside.
        detail: What happened.
    """

    reason: str | None
    detail: str


class DeviceDriver:
    """Has one device compute batches.

    Args:
        name: Of the device.
        lane: Which owns it.
        batches: What there is to compute.
        begun: Takes the rows of each batch before they are computed.
        done: Takes rows when they are computed, with why they cannot be if so.
    """

    def __init__(
        self,
        name: str,
        lane: Lane,
        *,
        batches: Batches,
        begun: Callable[[Sequence[Row]], None],
        done: Callable[[Sequence[Row], Answer | None], None],
    ):
        self._name, self._lane, self._batches = name, lane, batches
        self._begun, self._done = begun, done
        self._proof: tuple[Kind, int] | None = None

    def run(self) -> None:
        """Computes batches until there are no more.

        Raises:
            SystemicFault: The device does not come back, or the model is at fault.
        """
        self._lane.start_early()
        try:
            while (batch := self._batches.take()) is not None:
                self.compute(batch)
        finally:
            self._lane.close()

    def compute(self, batch: Batch) -> None:
        """Has a batch computed, or given back in smaller ones.

        Raises:
            SystemicFault: As for `run`.
        """
        self._begun(batch.rows)
        failure = self._try(batch.kind, batch.size, batch.rows)
        if failure is None:
            self._proof = self._smaller(batch)
            self._done(batch.rows, None)
            return
        if failure.reason == "out-of-memory" and batch.size > 1:
            self._batches.shrink(batch)
            self._again(batch.rows)
        elif len(batch.rows) > 1:
            middle = len(batch.rows) // 2
            self._again(batch.rows[:middle])
            self._again(batch.rows[middle:])
        else:
            self._accuse(batch, failure)

    def _again(self, rows: tuple[Row, ...]) -> None:
        self._batches.again(rows)

    def _smaller(self, batch: Batch) -> tuple[Kind, int]:
        """Returns the smaller of a batch and of what was computed well before."""
        kind, size = batch.kind, batch.size
        if self._proof is None or kind.pixels * size < (
            self._proof[0].pixels * self._proof[1]
        ):
            return kind, size
        return self._proof

    def _accuse(self, batch: Batch, failure: _Failure) -> None:
        """Decides about a row whose lane died over it alone."""
        (row,) = batch.rows
        self._check(batch, failure)
        if failure.reason is None:
            row.kills += 1
            if row.kills == _MAX_TRIES:
                raise SystemicFault(
                    f"device {self._name}: its lane is killed again and again "
                    f"({failure.detail}), and no photo is to blame; see who kills it, "
                    "and run the same command again"
                )
        else:
            row.strikes += 1
            if row.strikes == _MAX_STRIKES:
                detail = f"twice, alone: {failure.detail}"
                bad = BadImage(failure.reason, detail, stage="score")
                self._done(batch.rows, Answer(bad=bad))
                return
        self._again(batch.rows)

    def _check(self, batch: Batch, failure: _Failure) -> None:
        """Has the device compute zeros, to see that it is well.

        Raises:
            SystemicFault: It is not.
        """
        kind, size = self._proof or (batch.kind, batch.size)
        for _ in range(_MAX_TRIES):
            again = self._try(kind, size, ())
            if again is None:
                return
            failure = again
        raise SystemicFault(
            f"device {self._name}: got no answer even for an empty picture "
            f"({failure.detail}), expected the device to come back; look at the device "
            "and its driver, and run the same command again"
        )

    def _try(self, kind: Kind, size: int, rows: tuple[Row, ...]) -> _Failure | None:
        """Has rows computed; returns why they are not."""
        header: Header = {
            "model": kind.model,
            "size": [size, kind.height, kind.width],
            "rows": [list(row.places) for row in rows],
        }
        try:
            answer = self._lane.call(Request(header, []))
        except Death as death:
            return _failure(death)
        if answer.bad is None:
            return None
        # What an accelerator's library raises once, it may raise for ever.
        self._lane.close()
        return _Failure("inference-error", answer.bad.detail)


def _failure(death: Death) -> _Failure:
    if death.strike == "out-of-memory" or death.suspicion == "out-of-memory":
        return _Failure("out-of-memory", f"{death}")
    if death.is_overdue:
        return _Failure("inference-error", "no answer in time")
    if death.strike is not None or death.suspicion is not None:
        return _Failure("inference-error", death.account)
    return _Failure(None, death.account)
