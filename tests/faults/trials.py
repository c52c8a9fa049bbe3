"""Trials: one command broken at one call, repeated, compared; and which calls to break.

A trial has a name such as `score-png/halve/17`, which is enough to run it alone.
"""

import errno
import itertools
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults import output
from tests.faults.commands import Ended, Server
from tests.faults.scenarios import STATUS, Prepared
from tests.faults.shim import Fault

SEED: Final = int(os.environ.get("FAULTS_SEED", "1"))
"""Chooses among what cannot all be tried; printed with each failure."""

ONLY: Final = os.environ.get("FAULTS_ONLY")
"""The name of the only trial to run."""

_ERRORS: Final = {
    "write": ("ENOSPC", "EIO", "EDQUOT"),
    "fsync": ("ENOSPC", "EIO", "EDQUOT"),
    "syncfs": ("ENOSPC", "EIO"),
    "unlink": ("EIO", "EROFS", "EACCES"),
    "rmdir": ("EIO", "EROFS", "EACCES"),
    "open": ("ENOSPC", "EIO", "EROFS", "EACCES", "EDQUOT", "EMFILE"),
}
_ERRORS_OF_NAMES: Final = ("ENOSPC", "EIO", "EROFS", "EACCES", "EDQUOT")

_WRITES_IN_A_ROW: Final = 3


@dataclass(frozen=True)
class Trial:
    """A scenario, and what breaks in it."""

    scenario: str
    fault: Fault

    @property
    def name(self) -> str:
        fault = self.fault
        kind = fault.mode
        if fault.mode == "fail":
            kind = f"{errno.errorcode[fault.error]}{'' if fault.span else '-on'}"
        return f"{self.scenario}/{kind}/{fault.at}"


def kills(name: str, prepared: Prepared) -> Iterator[Trial]:
    """Yields a kill before and after each call, and in the middle of each write."""
    for at in places(prepared.calls):
        yield Trial(name, Fault("kill", at))
        yield Trial(name, Fault("after", at))
        if prepared.calls[at - 1][0] == "write":
            yield Trial(name, Fault("halve", at))


def errors(name: str, prepared: Prepared, rng: random.Random) -> Iterator[Trial]:
    """Yields an error at each call: once, and from there on; and a short write."""
    for at in places(prepared.calls):
        once, on = rng.sample(
            _ERRORS.get(prepared.calls[at - 1][0], _ERRORS_OF_NAMES), 2
        )
        yield Trial(name, Fault("fail", at, span=1, error=getattr(errno, once)))
        yield Trial(name, Fault("fail", at, span=0, error=getattr(errno, on)))
        if prepared.calls[at - 1][0] == "write":
            yield Trial(name, Fault("short", at))


def places(calls: Sequence[tuple[str, str]]) -> Iterator[int]:
    """Yields the calls to break; of many writes to one file the first and the last."""
    numbered = enumerate(calls, start=1)
    for (op, _), group in itertools.groupby(numbered, key=lambda pair: pair[1]):
        numbers = [number for number, _ in group]
        if op == "write" and len(numbers) > _WRITES_IN_A_ROW:
            middle = numbers[len(numbers) // 2]
            numbers = [numbers[0], middle, numbers[-1]]
        yield from numbers


def chosen(trials: Iterable[Trial], count: int | None = None) -> list[Trial]:
    """Returns all trials, or so many, spread evenly; or the only one that is wanted."""
    found = list(trials)
    if ONLY is not None:
        return [trial for trial in found if trial.name == ONLY]
    if count is None or count >= len(found):
        return found
    first = random.Random(SEED).random()
    step = len(found) / count
    return [found[int((first + number) * step)] for number in range(count)]


def run(server: Server, out: Path, prepared: Prepared, *, fault: Fault) -> list[str]:
    """Runs a trial; returns what is wrong.

    Args:
        server: Runs the commands.
        out: The output, not there yet.
        prepared: The scenario.
        fault: What breaks.
    """
    prepared.begin(out)
    broken = prepared.run(server, prepared.scenario.words, out, fault)
    wrong = [f"broken: {text}" for text in _end_problems(broken, fault)]
    if not prepared.scenario.removes:  # else it was broken before
        wrong += [f"when it broke: {text}" for text in output.problems(out)]
    wrong += [f"when it broke: {text}" for text in _unreadable(server, out, prepared)]
    return wrong + finish(server, out, prepared)


def finish(server: Server, out: Path, prepared: Prepared) -> list[str]:
    """Runs a scenario's command and what follows; returns what is wrong at the end.

    Args:
        server: Runs the commands.
        out: The output, in any state.
        prepared: The scenario.
    """
    again = prepared.run(server, prepared.scenario.words, out)
    if again.code not in prepared.scenario.again or again.traceback():
        last = again.traceback() or again.stderr.strip()[-300:]
        return [f"the same command ends with {again.code}: {last}"]
    wrong = []
    for after in prepared.scenario.after:
        ended = prepared.run(server, after, out)
        if ended.code != 0:
            wrong.append(f"then {after[0]} ends with {ended.code}: {ended.stderr}")
    wrong += [f"at the end: {text}" for text in output.problems(out)]
    wrong += _differences(prepared.expected, prepared.result(out))
    left = output.Output(out).temporaries()
    return [*wrong, *(f"at the end: left half-written: {name}" for name in left)]


def _end_problems(ended: Ended, fault: Fault) -> Iterator[str]:
    """Yields what is wrong with how a broken command ended."""
    if fault.mode in ("kill", "after", "halve"):
        if not ended.is_killed:
            yield f"exit code {ended.code}, although call {fault.at} was to kill it"
        return
    if text := ended.traceback():
        yield text
        return
    if ended.code == 0:  # what failed does not matter to the result
        return
    if ended.code not in (1, 2):
        yield f"exit code {ended.code}: {ended.stderr.strip()[-300:]}"
    lines = ended.stderr.strip().splitlines()
    if len(lines) != 1 or not lines[0].startswith("fcn"):
        yield f"got {len(lines)} lines, expected one: {ended.stderr.strip()[-300:]}"


def _unreadable(server: Server, out: Path, prepared: Prepared) -> Iterator[str]:
    """Yields why `status` cannot read what a broken command left."""
    if prepared.scenario.photos == "voc":
        return
    ended = prepared.run(server, STATUS, out)
    if ended.code not in (0, 2) or ended.traceback():
        text = ended.traceback() or ended.stderr.strip()[-300:]
        yield f"status ends with {ended.code}: {text}"


def _differences(expected: dict[str, bytes], got: dict[str, bytes]) -> Iterator[str]:
    """Yields how the bytes differ from those of an undisturbed run."""
    got = {name: data for name, data in got.items() if "/." not in f"/{name}"}
    for what, names in (
        ("missing", expected.keys() - got.keys()),
        ("too much", got.keys() - expected.keys()),
        ("other bytes", {n for n in expected.keys() & got if expected[n] != got[n]}),
    ):
        if names:
            yield f"at the end: {what}: {len(names)} files, such as {min(names)}"


def report(failures: Sequence[tuple[str, list[str]]], *, tried: int) -> str:
    """Returns what a person reads about failures: by kind, and how to repeat one."""
    kinds: dict[str, list[str]] = {}
    for name, texts in failures:
        for text in texts:
            kinds.setdefault(_kind(text), []).append(f"{name}: {text}")
    lines = [f"{len(failures)} of {tried} trials failed (FAULTS_SEED={SEED})"]
    for kind, found in sorted(kinds.items(), key=lambda pair: -len(pair[1])):
        names = [text.partition(":")[0] for text in found]
        lines += [f"{len(found)} x {kind}", f"    {found[0]}"]
        lines += [f"    also {', '.join(names[1:8])}"] * (len(names) > 1)
    if failures:
        test = os.environ.get("PYTEST_CURRENT_TEST", "tests/faults").partition(" ")[0]
        lines.append(f"one again: FAULTS_ONLY={failures[0][0]} pytest -m '' {test}")
    return "\n".join(lines)


def _kind(text: str) -> str:
    """Returns a text without what differs between failures of one kind."""
    words = ("N" if any(c.isdigit() for c in word) else word for word in text.split())
    return " ".join(word for word in words if "/" not in word)[:110]
