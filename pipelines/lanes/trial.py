"""What the death of a lane means: a bad item, a fault of the machine, or neither yet.

A lane holds one request at a time, so a death has at most one suspect. Small ones may
share a message; a death over it blames none of them, and each is asked for itself.

- A crash signal, or one of our limits (CPU time, memory), is a strike against the
  request. It gets a second try alone, with every other lane at rest; a second strike
  makes it a bad item.
- The kernel's OOM killer, an exit, SIGSYS, SIGTRAP and a garbled answer are suspicious:
  the machine may be at fault just as well. The request is tried alone, in a fresh
  process; three such deaths make it a bad item, if before and after each a lane answers
  a request that was answered well earlier. Until there is one, it is set aside.
- Any other death (Ctrl-C, SIGTERM, a preempted machine) blames no request.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault
from pipelines.lanes.lane import Lane
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.process import Death
from pipelines.lanes.quiet import Quiet

_MAX_STRIKES: Final = 2
_MAX_PROVEN_DEATHS: Final = 3
_MAX_BLAMELESS_DEATHS: Final = 3


@dataclass
class Case:
    """A request, and the deaths of lanes that held it.

    Attributes:
        request: What was asked.
        probe: What shows that lanes work, once the request was answered well; None:
            nothing does.
        accusation: The last death for which the request may be to blame.
    """

    request: Request
    probe: Request | None = field(default=None, kw_only=True)
    accusation: Death | None = None
    _strikes: int = 0
    _proven: int = 0
    _blameless: int = 0

    @property
    def is_suspect(self) -> bool:
        """Whether the machine may be at fault just as well as the request."""
        return self.accusation is not None and self.accusation.suspicion is not None

    def note(self, death: Death, *, is_proven: bool = False) -> Answer | None:
        """Takes down a death; returns the answer if there need be no more.

        Args:
            death: Of a lane that held the request.
            is_proven: Whether the lane answered another request before and after.

        Raises:
            SystemicFault: Lanes die, and no request is to blame.
        """
        if death.strike is not None:
            self.accusation = death
            self._strikes += 1
            if self._strikes == _MAX_STRIKES:
                return _bad(death.strike, f"twice: {death}")
        elif death.suspicion is not None:
            self.accusation = death
            self._proven += is_proven
            if self._proven == _MAX_PROVEN_DEATHS:
                return _bad(death.suspicion, f"three times, alone: {death}")
        else:
            self._blameless += 1
            if self._blameless == _MAX_BLAMELESS_DEATHS:
                raise SystemicFault(
                    f"lanes die, and no photo is to blame: {death.account}"
                ) from death
        return None

    def unproven(self) -> SystemicFault:
        """Returns the fault if no other request was ever answered."""
        death = self.accusation
        return SystemicFault(
            f"{self.request.name or 'a request'}: its lane dies "
            f"({death.account if death else 'of nothing'}), and no photo was answered "
            "that would show the machine to be well, expected one; give the job more "
            "memory or fewer --lanes, or take the photo away, and run the same command "
            "again"
        )


def _bad(reason: str, detail: str) -> Answer:
    return Answer(bad=BadImage(reason, detail, stage="decode"))


class Trials:
    """Has requests answered, and finds out who is to blame where that fails.

    Args:
        lanes: All lanes of the pool.
        is_memory_short: Whether lanes at rest should make room for one alone.
    """

    def __init__(self, lanes: Sequence[Lane], is_memory_short: Callable[[], bool]):
        self._lanes, self._is_memory_short = lanes, is_memory_short
        self._quiet = Quiet()
        self._lock = threading.Lock()
        self._probe: Request | None = None

    @property
    def can_prove(self) -> bool:
        """Whether a request was answered well, and can show that lanes work."""
        return self._probe is not None

    def ask(self, lane: Lane, case: Case) -> Answer | None:
        """Returns the answer to a request; None where it has to wait for a proof.

        Args:
            lane: The lane of this thread.
            case: The request.

        Raises:
            SystemicFault: No request is to blame, and trying again did not help.
        """
        answer: Answer | None = None
        while answer is None and case.accusation is None:
            with self._quiet.side_by_side():
                try:
                    answer = lane.call(case.request)
                except Death as death:
                    case.note(death)
        if answer is None:
            with self._quiet.alone():
                answer = self._ask_alone(lane, case)
        self._note_success(case, answer)
        return answer

    def ask_together(
        self, lane: Lane, cases: Sequence[Case]
    ) -> Iterator[Answer | None]:
        """Yields the answers to several requests, in their order; see `ask`.

        They share a message. A death over it blames none of them: each is then asked
        for itself.
        """
        answers = self._answers(lane, cases) if len(cases) > 1 else None
        if answers is None:
            for case in cases:
                yield self.ask(lane, case)
            return
        for case, answer in zip(cases, answers, strict=True):
            self._note_success(case, answer)
            yield answer

    def _answers(self, lane: Lane, cases: Sequence[Case]) -> list[Answer] | None:
        if any(case.accusation is not None for case in cases):
            return None
        with self._quiet.side_by_side():
            try:
                return lane.call_together([case.request for case in cases])
            except Death:
                return None

    def _note_success(self, case: Case, answer: Answer | None) -> None:
        if answer is not None and answer.bad is None and case.probe is not None:
            self._remember(case.probe)

    def _ask_alone(self, lane: Lane, case: Case) -> Answer | None:
        self._make_room(lane, case)
        was_tried = False
        while True:
            probe = self._probe if case.is_suspect else None
            if was_tried and case.is_suspect and probe is None:
                return None
            was_tried = True
            try:
                return _try(lane, case.request, probe)
            except Death as death:
                answer = case.note(death, is_proven=probe is not None)
                if answer is not None:
                    return answer

    def _make_room(self, lane: Lane, case: Case) -> None:
        """Ends the lanes at rest where they might keep the memory that was missing."""
        death = case.accusation
        if death is None or "out-of-memory" not in (death.strike, death.suspicion):
            return
        if death.suspicion is not None or self._is_memory_short():
            for other in self._lanes:
                if other is not lane:
                    other.close()

    def _remember(self, probe: Request) -> None:
        """Keeps the smallest request that was answered well."""
        known = self._probe  # most are larger, and need no lock
        if known is not None and probe.total_bytes >= known.total_bytes:
            return
        with self._lock:
            if self._probe is None or probe.total_bytes < self._probe.total_bytes:
                self._probe = probe


def _try(lane: Lane, request: Request, probe: Request | None) -> Answer:
    """Tries a request alone, between two probes if there is one."""
    if probe is None:
        return lane.call(request, alone=True)
    _check(lane, probe)
    try:
        return lane.call(request, alone=True)
    except Death as death:
        if death.suspicion is not None:
            _check(lane, probe)
        raise


def _check(lane: Lane, probe: Request) -> None:
    """Has a fresh process answer a probe, and ends it: it holds memory.

    Raises:
        Death: The machine is at fault.
    """
    lane.close()
    try:
        lane.call(probe, alone=True)
    except Death as death:
        message = f"a photo that was answered before ends its lane now: {death.account}"
        raise Death(message) from death
    lane.close()
