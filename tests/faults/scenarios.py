"""Which commands are broken: each with its start, its words, and its end as data."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fcn_core.datasets.pascal import drawn
from pipelines import files
from tests.drawn import tiny_models
from tests.faults.commands import Ended, Server
from tests.faults.output import Output
from tests.faults.shim import Call, Fault
from tests.runs import score_runs

NIGHT: Final = score_runs.NIGHT
NEXT: Final = score_runs.LATER[0]
OLD: Final = "2020-02-29"
PHOTOS: Final = 9
_FLAGS = "--chunk_size=4 --lanes=1 --model voc21 --json"

Words = tuple[str, ...]


def _words(text: str) -> Words:
    return tuple(text.split())


def score(masks: str, *, night: str = NIGHT) -> Words:
    """Returns the words of a night; `{in}` and `{out}` are filled in later."""
    where = f"score --input {{in}} --output {{out}} --run_date {night}"
    return _words(f"{where} --masks {masks} {_FLAGS}")


STATUS: Final = _words("status {out} --json")
CHECK: Final = _words("check {out} --masks all --json")
REPLAY: Final = _words("replay {out} --lanes=1 --json")
DISCARD: Final = _words(f"discard {{out}} --run_date {NIGHT} --json")
REPORT: Final = _words("report {out} --json")
PRUNE: Final = _words("prune {out} --masks_after 30d --json")
CONVERT: Final = _words(
    "convert voc --input {in} --output {out} --num_shards 2 --lanes 1 --json"
)


@dataclass(frozen=True)
class Scenario:
    """A command to break, from a given start.

    Attributes:
        start: Commands before it, undisturbed. Words that begin with `!` are killed at
            two thirds of their calls, and leave an open night.
        words: The command.
        after: Commands that follow its repetition, before anything is compared.
        photos: The input: `plain`; `mended`, where the broken photo is whole since the
            start was made; `voc`.
        compared: Folders whose bytes are those of an undisturbed run; all if empty.
        codes: Exit codes of the undisturbed command.
        again: Exit codes of a repetition of the finished command.
        removes: Folders that a start loses before the command runs.
        inline: Whether lanes answer without processes, see `tests.faults.lanes`.
    """

    start: tuple[Words, ...]
    words: Words
    after: tuple[Words, ...] = ()
    photos: str = "plain"
    compared: tuple[str, ...] = ("scores", "masks")
    codes: tuple[int, ...] = (0,)
    again: tuple[int, ...] = (0,)
    removes: tuple[str, ...] = ()
    inline: bool = True


def _open(masks: str) -> Words:
    return ("!", *score(masks))


SCENARIOS: Final = {
    **{f"score-{m}": Scenario((), score(m)) for m in ("png", "tar")},
    **{
        f"replay-{m}": Scenario((score(m),), REPLAY, photos="mended", again=(0, 2))
        for m in ("png", "tar")
    },
    **{
        f"discard-{m}": Scenario((_open(m),), DISCARD, after=(score(m),), again=(0, 2))
        for m in ("png", "tar")
    },
    "score-real-lanes": Scenario((), score("png"), inline=False),
    "convert": Scenario((), CONVERT, photos="voc", compared=()),
    **{
        f"prune-{m}": Scenario((score(m, night=OLD),), PRUNE, compared=("scores",))
        for m in ("png", "tar")
    },
    "report": Scenario((score("png"),), REPORT),
    "check": Scenario((score("png"),), CHECK),
    "check-mend": Scenario(
        (score("png"),),
        (*CHECK, "--mend"),
        after=(score("png"),),
        removes=("masks",),
        codes=(0, 1),
        again=(0, 1),
    ),
}
"""By name. Those of a command that this version does not have are left out."""


def available(server: Server, scratch: Path) -> dict[str, Scenario]:
    """Returns the scenarios whose command there is."""
    known = server.run(["--help"], scratch).stdout
    return {
        name: scenario
        for name, scenario in SCENARIOS.items()
        if f"\n  fcn {scenario.words[0]} " in known
    }


def has_check(server: Server, scratch: Path) -> bool:
    """Whether there is a command that looks for damage."""
    return "check" in available(server, scratch)


@dataclass(frozen=True)
class Inputs:
    """What the commands read; nothing there changes while trials run.

    Attributes:
        folder: Of all of it.
    """

    folder: Path

    @classmethod
    def draw(cls, folder: Path) -> "Inputs":
        for name in ("plain", "mended"):
            score_runs.add_photos(folder / name, PHOTOS, side=48)
            (folder / name / "broken.jpg").write_bytes(b"no photo" * 20)
        drawn.write_voc(folder / "voc", train=5, val=3)
        return cls(folder)

    def mend(self) -> None:
        """Makes the broken photo of `mended` a whole one."""
        broken = self.folder / "mended" / "broken.jpg"
        score_runs.rewrite(broken, tiny_models.draw_photo(48, 60, seed=500))

    def fill(self, words: Words, out: Path, photos: str) -> list[str]:
        """Returns words with the places of input and output filled in."""
        places = {"in": str(self.folder / photos), "out": str(out)}
        return [word.format(**places) for word in words]

    def uris(self, photos: str) -> list[str]:
        """Returns the URIs of an input's photos that can be scored."""
        names = "photo-*.jpg" if photos == "plain" else "*.jpg"
        found = sorted((self.folder / photos).glob(names))
        return [files.to_uri(path) for path in found]


@dataclass(frozen=True)
class Prepared:
    """A scenario whose start and undisturbed end lie ready.

    Attributes:
        start: The output before the command.
        expected: The bytes after the undisturbed command and what follows it.
        calls: The calls of the undisturbed command.
    """

    scenario: Scenario
    inputs: Inputs
    start: Path
    expected: dict[str, bytes]
    calls: tuple[tuple[str, str], ...]

    def fill(self, words: Words, out: Path) -> list[str]:
        return self.inputs.fill(words, out, self.scenario.photos)

    def run(
        self, server: Server, words: Words, out: Path, fault: Fault | None = None
    ) -> Ended:
        """Runs a command on an output to its end."""
        inline = self.scenario.inline
        return server.run(self.fill(words, out), out, fault, inline=inline)

    def begin(self, out: Path) -> None:
        """Puts the start there."""
        if self.start.exists():
            shutil.copytree(self.start, out)

    def result(self, out: Path) -> dict[str, bytes]:
        """Returns what no disturbance may change: bytes, of the report only names."""
        report = dict.fromkeys(Output(out).bytes_of("report"), b"")
        return report | Output(out).bytes_of(*self.scenario.compared)


def make_start(
    server: Server, inputs: Inputs, scenario: Scenario, *, out: Path
) -> None:
    """Runs the commands before the one that is broken."""
    for words in scenario.start:
        plain = inputs.fill(words[words[0] == "!" :], out, scenario.photos)
        if words[0] != "!":
            ended = server.run(plain, out)
            assert ended.code == 0, ended.stderr
            continue
        alone = out.with_name(f"{out.name}-counted")
        counted = server.run(inputs.fill(words[1:], alone, scenario.photos), alone)
        fault = Fault("kill", _two_thirds(counted.calls))
        assert server.run(plain, out, fault).is_killed
    for name in scenario.removes:
        shutil.rmtree(out / name)


def _two_thirds(calls: Sequence[Call]) -> int:
    """Returns the number of a call after the first two thirds of the parts."""
    links = [call for call in calls if call.op == "link"]
    parts = [call.number for call in links if "/chunk-" in call.path2]
    return parts[max(0, len(parts) * 2 // 3 - 1)] + 5


def prepare(
    server: Server, inputs: Inputs, scenario: Scenario, *, folder: Path
) -> Prepared:
    """Makes start and undisturbed end of a scenario."""
    folder.mkdir(parents=True)
    start, out = folder / "start", folder / "undisturbed"
    make_start(server, inputs, scenario, out=start)
    if scenario.photos == "mended":
        inputs.mend()
    prepared = Prepared(scenario, inputs, start, {}, ())
    prepared.begin(out)
    ended = prepared.run(server, scenario.words, out)
    assert ended.code in scenario.codes, ended.stderr
    for words in scenario.after:
        after = prepared.run(server, words, out)
        assert after.code == 0, after.stderr
    calls = tuple((call.op, call.path) for call in ended.calls)
    return Prepared(scenario, inputs, start, prepared.result(out), calls)
