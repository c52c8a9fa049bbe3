"""The commands of docs/models.md about `aesthetics` and its raters, as they stand."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard
from tests.drawn import tiny_ava
from tests.runs import score_runs

MANUAL = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", MANUAL, re.DOTALL)
SHORT = "--epochs 1 --batch_size 4 --threads 1"


def run(line: str, *more: str) -> None:
    words = shlex.split(line)
    assert words[0] == "fcn"
    ended = score_runs.fcn(*words[1:], *more)
    assert ended.code == 0, ended.stderr


def figures(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(name).read_text())
    return found


def test_own_raters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = BLOCKS[0].splitlines()
    monkeypatch.chdir(tmp_path)
    tiny_ava.write_photos(tmp_path / "photos", range(6))
    rows = [f"{number}.jpg,{4 + number / 5}" for number in range(6)]
    Path("scores.csv").write_text("\n".join(["image,mean", *rows]) + "\n")
    run(line, "--lanes", "1", "--precision", "f32")
    taste = figures("taste.json")
    assert (taste["model"], taste["images"]) == ("aesthetics", 6)
    low, high = taste["intervals"]["srcc_mean"]
    assert -1 <= low <= taste["srcc_mean"] <= high <= 1


@pytest.mark.slow
def test_on_ava(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    convert, before, train, export, after = BLOCKS[1].splitlines()
    monkeypatch.chdir(tmp_path)
    tiny_ava.package(tmp_path / "AVA", count=16, test=4)
    run(convert)
    measured = ("--lanes", "1", "--precision", "f32")
    run(before, *measured)
    run(train, *SHORT.split())
    run(export)
    run(after, *measured)
    assert figures("before.json")["with_votes"] == figures("after.json")["images"] == 4
    card, built_in = (
        ModelCard.read(folder)
        for folder in (Path("bundles/ava"), scoring.find_bundle("aesthetics"))
    )
    fed = ("max_side", "nearest_pixels", "size_multiple", "alignment", "padding_value")
    assert [getattr(card, name) for name in fed] == [
        getattr(built_in, name) for name in fed
    ]
    assert "New in its training: nothing" in card.origin
    # One gentle epoch changes a rating, but not by much.
    change = figures("after.json")["mae_mean"] - figures("before.json")["mae_mean"]
    assert 0 < abs(change) < 1
