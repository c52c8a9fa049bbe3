"""Runs checks side by side: one that fails or hangs is a line like the others."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from pipelines.doctor.finding import Check, Finding
from pipelines.faults import JobFault

SECONDS: Final = 3.5
"""For all checks together; loading Python and printing take the rest of five."""


_LEAST_SECONDS: Final = 1.0
"""What checks have in any case, however long `meanwhile` took."""

_Answers: TypeAlias = "queue.SimpleQueue[tuple[int, Finding]]"


def examine(
    checks: Sequence[Check],
    *,
    meanwhile: Callable[[], None] | None = None,
    seconds: float = SECONDS,
) -> list[Finding]:
    """Returns what the checks find, in their order.

    Args:
        checks: Each runs in a thread of its own.
        meanwhile: Runs here while they do; what it raises ends the checkup.
        seconds: A check that takes longer becomes a warning; its thread is left alone.
    """
    answers: _Answers = queue.SimpleQueue()
    until = time.monotonic() + seconds
    for number, check in enumerate(checks):
        # Daemons: the end of the process does not wait for one that hangs.
        threading.Thread(
            target=_run, args=[number, check, answers], daemon=True, name=check.name
        ).start()
    if meanwhile is not None:
        meanwhile()
        until = max(until, time.monotonic() + min(_LEAST_SECONDS, seconds))
    found = _collect(answers, len(checks), until=until)
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
        found[number] = answer
    return found


def _run(number: int, check: Check, answers: _Answers) -> None:
    try:
        answers.put((number, check.look()))
    except JobFault as fault:
        answers.put((number, of_fault(check.name, fault)))
    except ImportError as error:
        detail = f"a library does not load: {_words(error)}"
        cure = "pip install --force-reinstall it, in the version of constraints.txt"
        answers.put((number, Finding("wrong", check.name, detail, cure)))
    except BaseException as error:  # a check that fails is a line, never a traceback
        detail = f"{type(error).__name__}: {_words(error)}"
        answers.put((number, _failed(check, detail)))


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


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
