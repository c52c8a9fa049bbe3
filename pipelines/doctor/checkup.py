"""Runs checks side by side: one that fails or hangs is a line like the others."""

import queue
import threading
import time
from collections.abc import Sequence
from typing import Final, TypeAlias

from pipelines.doctor.finding import Check, Finding
from pipelines.faults import JobFault, UsageError

SECONDS: Final = 4.0
"""For all checks together; loading Python and printing take the rest of five."""


class Refused(Exception):
    """The command itself is wrong, which ends it.

    Args:
        fault: Why.
    """

    def __init__(self, fault: UsageError):
        super().__init__(str(fault))
        self.fault = fault


_Answers: TypeAlias = "queue.SimpleQueue[tuple[int, Finding | UsageError]]"


def examine(checks: Sequence[Check], *, seconds: float = SECONDS) -> list[Finding]:
    """Returns what the checks find, in their order.

    Args:
        checks: Each runs in a thread of its own.
        seconds: A check that takes longer becomes a warning; its thread is left alone.

    Raises:
        UsageError: A check says that the command cannot mean what it says.
    """
    answers: _Answers = queue.SimpleQueue()
    for number, check in enumerate(checks):
        # Daemons: the end of the process does not wait for one that hangs.
        threading.Thread(
            target=_run, args=[number, check, answers], daemon=True, name=check.name
        ).start()
    found = _collect(answers, len(checks), until=time.monotonic() + seconds)
    return [
        found.get(number) or _late(check, seconds)
        for number, check in enumerate(checks)
    ]


def _collect(answers: _Answers, count: int, *, until: float) -> dict[int, Finding]:
    found = dict[int, Finding]()
    while len(found) < count:
        try:
            left = max(until - time.monotonic(), 0)
            number, answer = answers.get(timeout=left)
        except queue.Empty:
            break
        if isinstance(answer, UsageError):
            raise answer
        found[number] = answer
    return found


def _run(number: int, check: Check, answers: _Answers) -> None:
    try:
        answers.put((number, check.look()))
    except Refused as refused:
        answers.put((number, refused.fault))
    except JobFault as fault:
        answers.put((number, of_fault(check.name, fault)))
    except BaseException as error:  # a check that fails is a line, never a traceback
        detail = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        answers.put((number, _failed(check, detail)))


def of_fault(check: str, fault: JobFault) -> Finding:
    """Returns the finding for a fault of ours, whose cure follows its last semicolon.

    Args:
        check: As findings have it.
        fault: What the check raised.
    """
    detail, _, cure = str(fault).rpartition("; ")
    if not detail:
        return Finding("wrong", check, cure, "see its documentation")
    return Finding("wrong", check, detail, cure)


def _failed(check: Check, detail: str) -> Finding:
    cure = "look at it yourself; the rest of the list holds"
    return Finding("warning", check.name, f"could not be checked: {detail}", cure)


def _late(check: Check, seconds: float) -> Finding:
    detail = f"no answer within {seconds:.0f} s"
    cure = "see whether the place or the server answers at all, then try once more"
    return Finding("warning", check.name, detail, cure)
