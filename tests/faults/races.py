"""Races: commands about one night at once, some stopped and continued as zombies."""

import json
import random
import time
from collections.abc import Iterator
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
_LAST_CALL: Final = 120
_ZOMBIES: Final = 0.35
"""How many of the commands are stopped."""


def scenario(masks: str) -> Scenario:
    """Returns what races start from: a published night, with a photo to replay."""
    first = (*scenarios.score(masks, night=_BEFORE), "--limit", "5")
    return Scenario((first,), scenarios.score(masks), photos="mended")


@dataclass(frozen=True)
class Race:
    """One race, decided by its number; the order of what happens is the system's."""

    masks: str
    number: int

    @property
    def name(self) -> str:
        return f"race-{self.masks}/{self.number}"

    def runners(self) -> list[tuple[float, Words, Fault]]:
        """Returns who starts when, and where it is stopped."""
        rng = random.Random(f"{SEED} {self.name}")
        score = scenarios.score(self.masks)
        commands = [score, score, scenarios.DISCARD, scenarios.REPLAY, scenarios.REPORT]
        if rng.random() < 0.3:  # a second discard meets the second plan
            commands.append(scenarios.DISCARD)
        found = []
        for words in commands:
            delay = rng.uniform(0, _LAST_DELAY)
            last = _LAST_CALL if words[0] in ("score", "replay") else 12
            is_zombie = rng.random() < _ZOMBIES
            fault = Fault("stop", rng.randint(1, last)) if is_zombie else Fault()
            found.append((delay, words, fault))
        return sorted(found, key=lambda runner: runner[0])


def run(server: Server, out: Path, prepared: Prepared, *, race: Race) -> list[str]:
    """Runs a race, then the plain commands to their end; returns what is wrong."""
    prepared.begin(out)
    started: list[tuple[Words, Running]] = []
    ended: list[tuple[Words, Ended]] = []
    begin = time.monotonic()
    try:
        for delay, words, fault in race.runners():
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
    plain = (
        (scenarios.score(race.masks), (0,)),
        (scenarios.REPLAY, (0, 2)),
        (scenarios.score(race.masks, night=scenarios.NEXT), (0,)),
        (scenarios.STATUS, (0,)),
    )
    for words, codes in plain:
        ended = prepared.run(server, words, out)
        if ended.code not in codes or ended.traceback():
            last = ended.traceback() or ended.stderr.strip()[-300:]
            yield f"then {words[0]} ends with {ended.code}: {last}"
    yield from (f"at the end: {text}" for text in output.problems(out))
    yield from output.planned_problems(out, prepared.inputs.uris("mended"))
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
