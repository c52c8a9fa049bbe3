"""Damage to an output: one place of one file, and who notices it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.faults import output, scenarios
from tests.faults.commands import Server
from tests.faults.output import Output
from tests.faults.scenarios import Prepared, Scenario, Words
from tests.faults.trials import SEED

ROLES: Final = (
    *(
        "plan",
        "piece",
        "index",
        "part",
        "commit",
        "table",
        "mask",
        "summary",
        "success",
    ),
)
KINDS: Final = ("flip", "flip", "flip", "cut", "zero", "empty", "delete")
"""What is done to a file, as often as it stands here."""

_FLAGS: Final = ("--limit", "7")
_BLOCK: Final = 64


def _limited(words: Words) -> Words:
    return (*words, *_FLAGS)


def scenario(masks: str, *, is_open: bool) -> Scenario:
    """Returns what is damaged: a published night, or an open one."""
    night = _limited(scenarios.score(masks))
    after = (_limited(scenarios.score(masks, night=scenarios.NEXT)),)
    return Scenario((("!", *night) if is_open else night,), night, after=after)


@dataclass(frozen=True)
class Damage:
    """One damage, decided by its number.

    Attributes:
        base: The name of what is damaged.
        role: What kind of file is damaged.
        number: Decides all the rest.
    """

    base: str
    role: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.base}/{self.role}/{self.number}"

    @property
    def is_next_first(self) -> bool:
        """Whether the next night's command runs before the same one."""
        return self.number % 2 == 1

    @property
    def is_checked_first(self) -> bool:
        """Whether `check` runs before both."""
        return self.number // 2 % 2 == 0

    def do(self, out: Path) -> str | None:
        """Damages a file; returns what was done, None where there is no such file."""
        rng = random.Random(f"{SEED} {self.name}")
        found = Output(out).files(self.role)
        if not found:
            return None
        path, kind = rng.choice(found), rng.choice(KINDS)
        data = path.read_bytes()
        if not data and kind != "delete":
            kind = "delete"
        at = rng.randrange(len(data)) if data else 0
        if kind == "delete":
            path.unlink()
        else:
            path.write_bytes(_damaged(data, kind, at=at, bit=rng.randrange(8)))
        return f"{kind} at {at} of {len(data)} of {Output(out).name(path)}"


def _damaged(data: bytes, kind: str, *, at: int, bit: int) -> bytes:
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
    if kind == "zero":
        end = min(at + _BLOCK, len(data))
        return data[:at] + bytes(end - at) + data[end:]
    return data[:at] if kind == "cut" else b""


def run(
    server: Server, out: Path, prepared: Prepared, *, damage: Damage, check: bool
) -> list[str]:
    """Damages an output; returns what is wrong: silence over a change, a traceback.

    Args:
        server: Runs the commands.
        out: The output, not there yet.
        prepared: What is damaged; its expected bytes are not used.
        damage: What is done.
        check: Whether this version has a command that looks for damage.
    """
    prepared.begin(out)
    what = damage.do(out)
    if what is None:
        return []
    wrong, is_noticed = [], False
    for words in _commands(prepared, damage, check=check):
        ended = prepared.run(server, words, out)
        if text := ended.traceback():
            wrong.append(f"{words[0]}: {text}, after {what}")
        elif ended.code and words[0] != "status":
            is_noticed = True
        if is_noticed or wrong:
            break
    if is_noticed or wrong:
        return wrong
    return [f"nobody notices: {text}, after {what}" for text in _changes(out, prepared)]


def _commands(prepared: Prepared, damage: Damage, *, check: bool) -> Iterator[Words]:
    """Yields who could notice; `check` is the first in half of the damages, or last."""
    yield scenarios.STATUS
    if check and damage.is_checked_first:
        yield scenarios.CHECK
    both = [prepared.scenario.words, *prepared.scenario.after]
    yield from reversed(both) if damage.is_next_first else both
    if check and not damage.is_checked_first:
        yield scenarios.CHECK


def _changes(out: Path, prepared: Prepared) -> Iterator[str]:
    """Yields how what readers get differs from what they should get."""
    yield from output.problems(out)
    expected = _expected(prepared)
    try:
        got = Output(out).readable()
    except Exception as error:
        yield f"the table cannot be read: {error!r}"
        return
    for night in (scenarios.NIGHT, scenarios.NEXT):
        if got.get(night) != expected.get(night):
            yield f"the rows of {night} are others"
    rest = {name for name in expected if name not in (scenarios.NIGHT, scenarios.NEXT)}
    if changed := {name for name in rest if got.get(name) != expected[name]}:
        yield f"{len(changed)} masks are others, such as {min(changed)}"


def _expected(prepared: Prepared) -> dict[str, Any]:
    return Output(prepared.start.with_name("undisturbed")).readable()


def spread(base: str, prepared: Prepared, *, count: int) -> list[Damage]:
    """Returns so many damages of a base, each kind of file as often."""
    there = Output(prepared.start)
    roles = [role for role in ROLES if there.files(role)]
    each = -(-count // len(roles))
    return [Damage(base, role, number) for role in roles for number in range(each)]
