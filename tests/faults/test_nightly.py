"""`kill -9` of `fcn nightly`: the next scheduled call carries on by itself."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.faults import output
from tests.faults.commands import Server, Servers
from tests.faults.output import Output
from tests.faults.scenarios import Inputs
from tests.faults.shim import Fault
from tests.faults.trials import SEED
from tests.runs import score_runs

NIGHTS = ("2026-11-20", "2026-11-21")
_SETTINGS = {
    "model": "voc21",
    "chunk_size": 4,
    "lanes": 1,
    "masks": "png",
    "look_back": 1,
    "gates": {"min_free_gb": None},
}


def _call(server: Server, folder: Path, photos: Path, night: str, fault: Fault) -> int:
    """Runs the call of a night; returns its exit code."""
    file, out = folder / "nightly.yaml", folder / "out"
    content = {**_SETTINGS, "input": f"{photos}/{{date}}/", "output": str(out)}
    file.write_text(yaml.safe_dump(content))
    words = ["nightly", "--config", str(file), "--run_date", night, "--json"]
    return server.run(words, out, fault).code


def _results(folder: Path) -> dict[str, bytes]:
    """Returns what no kill may change: the bytes of tables and masks."""
    return Output(folder / "out").bytes_of("scores", "masks")


def _contents(folder: Path) -> list[tuple[str, ...]]:
    """Returns photo, status and mask of every published row, whatever its night."""
    out = Output(folder / "out")
    rows = [row for night in out.nights() for row in out.rows(night)]
    names = ("image_uri", "status", "mask_sha256")
    return sorted(tuple(str(row[name]) for name in names) for row in rows)


@dataclass(frozen=True)
class Days:
    """Photos of two days, and what two undisturbed calls make of them.

    Attributes:
        calls: Calls of the first night that change files.
    """

    photos: Path
    expected: dict[str, bytes]
    contents: list[tuple[str, ...]]
    calls: int


def _draw_days(server: Server, inputs: Inputs, folder: Path) -> Days:
    photos = folder / "photos"
    for night in NIGHTS:
        shutil.copytree(inputs.folder / "plain", photos / night)
    score_runs.add_photos(photos / NIGHTS[1], 3, first=200, side=48)
    alone = folder / "undisturbed"
    alone.mkdir()
    file = alone / "nightly.yaml"
    content = {**_SETTINGS, "input": f"{photos}/{{date}}/", "output": f"{alone}/out"}
    file.write_text(yaml.safe_dump(content))
    words = ["nightly", "--config", str(file), "--run_date", NIGHTS[0], "--json"]
    ended = server.run(words, alone / "out")
    assert ended.code == 0, ended.stderr
    assert _call(server, alone, photos, NIGHTS[1], Fault()) == 0
    return Days(photos, _results(alone), _contents(alone), len(ended.calls))


def _kill(servers: Servers, inputs: Inputs, folder: Path, *, count: int) -> None:
    """Kills the first night so often, each time at another call, and goes on."""
    with servers.one() as server:
        days = _draw_days(server, inputs, folder)
    rng = random.Random(SEED)
    moments = sorted(rng.sample(range(1, days.calls + 1), min(count, days.calls)))

    def trial(server: Server, own: Path, at: int) -> list[str]:
        code = _call(server, own, days.photos, NIGHTS[0], Fault("kill", at))
        wrong = [] if code == -9 else [f"expected it to be killed, got {code}"]
        wrong += output.problems(own / "out")
        code = _call(server, own, days.photos, NIGHTS[1], Fault())
        if code != 0:
            wrong.append(f"the next call ended with {code}")
        if _contents(own) != days.contents:
            wrong.append("other rows than after two undisturbed calls")
        if len(Output(own / "out").nights()) == 2 and _results(own) != days.expected:
            wrong.append("other bytes than after two undisturbed calls")
        return wrong

    found = servers.each(trial, moments)
    assert [(at, wrong) for at, wrong in found if wrong] == []


def test_killed_at_some_moments(
    servers: Servers, inputs: Inputs, tmp_path: Path
) -> None:
    _kill(servers, inputs, tmp_path, count=4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_fifty_moments(
    servers: Servers, inputs: Inputs, tmp_path: Path
) -> None:
    _kill(servers, inputs, tmp_path, count=50)
