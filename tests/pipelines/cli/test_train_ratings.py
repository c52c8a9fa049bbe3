"""`fcn train` of the nine experiments: one table, and which make a bundle."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fcn_core import recipes
from fcn_core.recipes.recipe import RANDOM
from fcn_core.training import family, train
from fcn_core.training.run_folder import RunFolder
from fcn_core.training.train import RunResult
from tests.drawn import tiny_shards
from tests.drawn.tiny_runs import draw_record
from tests.drawn.tiny_trainers import eagerly
from tests.runs import score_runs


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with eagerly():
        yield


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.rated_data(tmp_path_factory.mktemp("ava"), train=4, test=3)


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ("ava-fcn-1", "takes photos of one size, 224 pixels a side"),
        ("ava-fcn-9", "leaves out cells at the border"),
        ("nima", ""),
    ],
)
def test_networks_for_comparison_are_not_offered_to_export(
    rated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recipe: str,
    why: str,
) -> None:
    run = tmp_path / "run"
    record = draw_record(recipe, recipes.RECIPES[recipe].model)
    RunFolder.create(run, record).note(chosen_epoch=1)
    done = RunResult(run, 1, 1, {"accuracy": 0.5}, 1.0, 1.0)
    monkeypatch.setattr(train, "train", lambda config: done)
    words = ("--recipe", recipe, "--data", rated, "--output", run)
    trained = score_runs.fcn("train", *words)
    assert trained.code == 0, trained.stderr
    assert ("fcn export" in trained.stdout) == (not why)
    if why:
        refused = score_runs.fcn("export", "--model", run, "--output", tmp_path / "b")
        assert refused.code == 2
        (line,) = refused.stderr.splitlines()
        assert f"got a run of {recipe}, which {why}" in line


@pytest.mark.slow
def test_nine_experiments_make_one_table(
    rated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a person asks for it; each keeps its own sides and views."""
    names = [f"ava-fcn-{number}" for number in range(1, 10)]
    for name in names:
        recipe = recipes.RECIPES[name]
        model = replace(recipe.model, width=0.05, head_width=8)
        small = replace(recipe, model=model, init=RANDOM, epochs=1, batch_size=2)
        monkeypatch.setitem(recipes.RECIPES, name, small)
    out = tmp_path / "all"
    words: list[str | Path] = ["train", "aesthetics", "--recipe", "ava-fcn-all"]
    words += ["--data", rated, "--output", out, "--evaluation_split", "test", "--json"]
    table = score_runs.fcn(*words)
    assert table.code == 0, table.stderr
    rows = json.loads(table.stdout)
    assert [row["recipe"] for row in rows] == names
    assert len({row["about"] for row in rows}) == 9
    for row in rows:
        figures = [value for value in row.values() if not isinstance(value, str)]
        assert len(figures) == 4
        assert all(math.isfinite(value) for value in figures)
        # Three photos: one is low, one high, one is neither and belongs to no half.
        assert row["accuracy"] in (0.0, 0.5, 1.0)
        assert row["majority_accuracy"] == 0.5
        history = RunFolder.open(out / row["recipe"]).history()
        assert [math.isfinite(epoch["loss"]) for epoch in history] == [True]
    crops = [
        RunFolder.open(out / name).record.settings.numbers["crop"] for name in names
    ]
    sides = (224, 224, 336, 448, 672, 336, 336, 336, 336)
    assert crops == [[side, side] for side in sides]
    with (out / family.TABLE_NAME).open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["recipe"] for row in written] == names
    assert [float(row["accuracy"]) for row in written] == [
        row["accuracy"] for row in rows
    ]
    again = score_runs.fcn(*words, "--resume")
    assert again.code == 0, again.stderr
    assert json.loads(again.stdout) == rows
