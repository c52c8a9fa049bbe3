"""Power losses: a command is watched, and what a loss after any call leaves is made."""

import copy
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults import durable, output, trials
from tests.faults.commands import Server
from tests.faults.durable import FileSystem
from tests.faults.scenarios import Prepared
from tests.faults.shim import Call

KINDS: Final[dict[str, Callable[[FileSystem, Path], None]]] = {
    "posix": durable.write_survivors,
    "names": durable.write_names,
}
"""What is left: only what POSIX promises, or every name but only synced bytes."""


@dataclass(frozen=True)
class Seen:
    """A command that ran undisturbed.

    Attributes:
        out: Its output.
        calls: What it did.
        data: What it wrote.
        start: What was there before, all of it durable.
    """

    out: Path
    calls: tuple[Call, ...]
    data: bytes
    start: FileSystem

    def before(self) -> FileSystem:
        """Returns the file system before the first call, to be changed."""
        return copy.deepcopy(self.start)

    def check_model(self) -> None:
        """Checks that the model sees every change: it ends with the files there."""
        system = self.before()
        for _ in durable.replay(system, self.calls, self.data):
            pass
        files = {n: bytes(f.live) for n, f in system.live.items() if not f.is_folder}
        assert files == output.Output(self.out).bytes_of()


@dataclass(frozen=True)
class Loss:
    """A power loss after a call."""

    scenario: str
    kind: str
    at: int

    @property
    def name(self) -> str:
        return f"{self.scenario}/{self.kind}/{self.at}"


def watch(server: Server, folder: Path, prepared: Prepared) -> Seen:
    """Runs a scenario's command undisturbed, and keeps all that it did."""
    out, data = folder / "out", folder / "data"
    prepared.begin(out)
    empty = FileSystem(os.path.realpath(out))
    start = FileSystem.of(out) if out.exists() else empty
    words = prepared.fill(prepared.scenario.words, out)
    inline = prepared.scenario.inline
    ended = server.run(words, out, data=data, inline=inline)
    assert ended.code in prepared.scenario.codes, ended.stderr
    written = data.read_bytes() if data.exists() else b""
    return Seen(out, ended.calls, written, start)


def chosen(name: str, seen: Seen, *, count: int) -> list[Loss]:
    """Returns losses after so many calls, of each kind."""
    calls = [call.number for call in seen.calls]
    if trials.ONLY is None and count < len(calls):
        calls = sorted(random.Random(trials.SEED).sample(calls, count))
    return [Loss(name, kind, at) for at in calls for kind in KINDS]


def run(
    server: Server, lost: Path, prepared: Prepared, *, seen: Seen, loss: Loss
) -> list[str]:
    """Makes what a loss leaves, runs the same command; returns what is wrong.

    Args:
        server: Runs the command.
        lost: The output after the loss, not there yet.
        prepared: The scenario.
        seen: Its undisturbed run.
        loss: When, and on what kind of file system.
    """
    system = seen.before()
    for call, _ in durable.replay(system, seen.calls, seen.data):
        if call.number >= loss.at:
            break
    KINDS[loss.kind](system, lost)
    wrong = []
    if not prepared.scenario.removes:  # else it was broken before
        wrong = [f"after the loss: {text}" for text in output.problems(lost)]
    return wrong + trials.finish(server, lost, prepared)
