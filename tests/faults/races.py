"""Races: commands about one night at once, some stopped and continued as zombies."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults import output, scenarios
from tests.faults.commands import Ended, Running, Server
from tests.faults.output import Output
from tests.faults.scenarios import Prepared, Scenario, Words
from tests.faults.shim import Fault
from tests.faults.trials import SEED

_BEFORE: Final = "2026-11-19"
_LAST_DELAY: Final = 0.8
_LAST_CALL: Final = 12
_ZOMBIES: Final = 0.35
"""How many of the commands are stopped."""

Runner = tuple[float, Words, Fault]


def _score(masks: str, *more: str, night: str = scenarios.NIGHT) -> Words:
    """Returns the words of a night of many small chunks."""
    words = scenarios.score(masks, night=night)
    return (*(word.replace("chunk_size=4", "chunk_size=1") for word in words), *more)


def scenario(kind: str, masks: str) -> Scenario:
    """Returns what races start from.

    Args:
        kind: `same` settings in all launches, after a published night with a photo to
            replay; or `other`: two launches with other settings, and nothing before.
        masks: The layout of masks.
    """
    if kind == "other":
        return Scenario((), _score(masks))
    first = _score(masks, "--limit", "5", night=_BEFORE)
    return Scenario((first,), _score(masks), photos="mended")


@dataclass(frozen=True)
class Race:
    """One race, decided by its number; the order of what happens is the system's."""

    kind: str
    masks: str
    number: int

    @property
    def name(self) -> str:
        return f"race-{self.kind}-{self.masks}/{self.number}"

    @property
    def launches(self) -> tuple[Words, Words]:
        """Returns the words of the two ways to launch the night."""
        one = _score(self.masks)
        return one, (*one, "--max_side", "64") if self.kind == "other" else one

    def runners(self, calls: Sequence[tuple[str, str]]) -> list[Runner]:
        """Returns who starts when, and where it is stopped.

        Args:
            calls: Of an undisturbed launch.
        """
        rng = random.Random(f"{SEED} {self.name}")
        commands = [*self.launches, scenarios.DISCARD]
        if self.kind == "same":
            commands += [scenarios.REPLAY, scenarios.REPORT]
        if self.kind == "other" or rng.random() < 0.3:
            commands += [scenarios.DISCARD, self.launches[0]]
        shown = [n for n, (op, _) in enumerate(calls, 1) if op in ("link", "rename")]
        found = []
        for words in commands:
            at = rng.choice(shown) + rng.randint(-1, 1)  # before, at or after a name
            if words[0] not in ("score", "replay"):
                at = rng.randint(1, _LAST_CALL)
            fault = Fault("stop", max(1, at)) if rng.random() < _ZOMBIES else Fault()
            found.append((rng.uniform(0, _LAST_DELAY), words, fault))
        return sorted(found, key=lambda runner: runner[0])


def run(server: Server, out: Path, prepared: Prepared, *, race: Race) -> list[str]:
    """Runs a race, then the plain commands to their end; returns what is wrong."""
    prepared.begin(out)
    started: list[tuple[Words, Running]] = []
    ended: list[tuple[Words, Ended]] = []
    begin = time.monotonic()
    try:
        for delay, words, fault in race.runners(prepared.calls):
            time.sleep(max(0.0, begin + delay - time.monotonic()))
            running = server.start(prepared.fill(words, out), out, fault)
            started.append((words, running))
        zombies = []
        for words, running in started:
            if (end := running.wait()) is None:
                zombies.append((words, running))
            else:
                ended.append((words, end))
        for words, running in zombies:
            running.go_on()
            end = running.wait()
            assert end is not None
            ended.append((words, end))
    finally:
        for _, running in started:
            running.kill()
    wrong = [text for words, end in ended for text in _end_problems(words, end)]
    wrong += [f"after the race: {text}" for text in output.problems(out)]
    return [*wrong, *_to_the_end(server, out, prepared, race=race)]


def _end_problems(words: Words, ended: Ended) -> Iterator[str]:
    if text := ended.traceback():
        yield f"{words[0]}: {text}"
        return
    lines = ended.stderr.strip().splitlines()
    if ended.code not in (0, 1, 2) or (ended.code and len(lines) != 1):
        yield f"{words[0]} ends with {ended.code}: {ended.stderr.strip()[-300:]}"


def _to_the_end(
    server: Server, out: Path, prepared: Prepared, *, race: Race
) -> Iterator[str]:
    """Yields what is wrong once the plain commands have ended what is left."""
    first, second = race.launches
    ended = prepared.run(server, first, out)
    plain: list[tuple[Words, tuple[int, ...]]] = [(scenarios.STATUS, (0,))]
    if ended.code == 2 and race.kind == "other":  # the plan has the other settings
        first = second
    if race.kind == "same":
        later = _score(race.masks, night=scenarios.NEXT)
        plain = [(scenarios.REPLAY, (0, 2)), (later, (0,)), *plain]
    for words, codes in [(first, (0,)), *plain]:
        ended = prepared.run(server, words, out)
        if ended.code not in codes or ended.traceback():
            last = ended.traceback() or ended.stderr.strip()[-300:]
            yield f"then {words[0]} ends with {ended.code}: {last}"
    yield from (f"at the end: {text}" for text in output.problems(out))
    photos = prepared.inputs.uris(prepared.scenario.photos)
    yield from output.planned_problems(out, photos)
    if ended.code == 0:
        yield from _status_problems(ended.stdout, Output(out))
    left = Output(out).temporaries()
    yield from (f"at the end: left half-written: {name}" for name in left)


def _status_problems(status: str, found: Output) -> Iterator[str]:
    """Yields how what `status` says differs from what readers see."""
    nights = json.loads(status)
    committed = {night["run_date"] for night in nights if night["state"] == "committed"}
    if committed != set(found.nights()):
        yield f"status has {sorted(committed)} committed, published {found.nights()}"
