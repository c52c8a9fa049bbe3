"""Ratings by people: targets, losses that reach them, and the nine experiments."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import recipe_family, recipes, training
from fcn_core.models import ModelSpec
from fcn_core.rating_objective import rating_scores, rating_target
from fcn_core.recipes import RANDOM
from tests import tiny_recipes, tiny_shards
from tests.tiny_recipes import RATING, config

SMALL: dict[str, Any] = {"init": RANDOM, "max_side": 64, "epochs": 1, "batch_size": 2}


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = tiny_shards.rated_records(7)
    splits = {"train": records[:4], "test": records[4:]}
    return tiny_shards.write_finished(tmp_path_factory.mktemp("ava") / "data", splits)


def test_targets_by_number_of_classes() -> None:
    record = tiny_shards.rated_records(2)[0]
    shares = rating_target(record, classes=10)
    assert shares == pytest.approx(np.array(record.votes) / sum(record.votes))
    assert rating_target(record, classes=1) == pytest.approx([record.mean])
    assert rating_target(record, classes=2).tolist() == [1, 0]
    unlabelled = replace(record, label=-1)
    with pytest.raises(ValueError, match=r"0\.jpg: neither high nor low"):
        rating_target(unlabelled, classes=2)
    only_mean = replace(record, votes=(), vote_count=0)
    curve = rating_target(only_mean, classes=10)
    assert curve.sum() == pytest.approx(1, abs=1e-6)
    assert curve @ np.arange(1, 11) == pytest.approx(record.mean, abs=0.05)


def test_scores_of_known_ratings() -> None:
    records = tiny_shards.rated_records(6)
    bins = tuple(range(1, 11))
    exact = np.stack([rating_target(record, classes=10) for record in records])
    scores = rating_scores(exact, records, bins=bins)
    assert scores["srcc"] == pytest.approx(1)
    assert scores["accuracy"] == 1
    assert scores["emd"] == pytest.approx(0, abs=1e-6)
    assert scores["emd_constant"] > 0.01
    mean = np.broadcast_to(exact.mean(axis=0), exact.shape)
    constant = rating_scores(mean, records, bins=bins)
    assert constant["emd"] == pytest.approx(constant["emd_constant"])


@pytest.mark.parametrize("classes", [1, 2, 10])
def test_each_kind_of_rating_trains_and_reports(
    rated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    model = replace(RATING.model, classes=classes)
    tiny_recipes.use(monkeypatch, RATING, copies=0, model=model, epochs=1)
    result = training.train(
        config(rated, tmp_path / "run", task="aesthetics", evaluation_split="test")
    )
    expected = {1: "mse", 2: "accuracy_majority", 10: "emd_constant"}[classes]
    assert {"accuracy", expected} <= set(result.metrics)


@pytest.mark.slow
def test_votes_of_four_photos_are_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    four = tiny_shards.rated_records(5)[:4]
    data = tiny_shards.write_finished(
        tmp_path / "data", {"train": four * 16, "test": four}
    )
    for name in ("nima", "nima-adam"):
        recipe = recipes.find_recipe(name)
        tiny_recipes.use(
            monkeypatch,
            recipe,
            model=ModelSpec(
                task="aesthetics",
                name="classifier",
                backbone="mobilenet_v2",
                width=0.35,
                classes=10,
                dropout=0.0,
            ),
            init=RANDOM,
            freeze_batch_norm=False,
            stages=(),
            rates={"head": 1.0, "backbone": 1.0},
            optimizer="adam",
            crop=(64, 64),
            flip=False,
            max_side=80,
            batch_size=4,
            schedule="poly",
        )
        result = training.train(
            config(
                data,
                tmp_path / name,
                task="aesthetics",
                evaluation_split="test",
                epochs=12,
                learning_rate=3e-3,
                allow_leak=True,
            )
        )
        assert result.metrics["emd"] < 0.02, name


@pytest.mark.slow
def test_nine_experiments_make_one_table(
    rated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in recipes.FAMILIES["ava-fcn-all"]:
        recipe = recipes.RECIPES[name]
        model = replace(recipe.model, width=0.05, head_width=8)
        small = replace(
            recipe, model=model, crop=(224, 224), **(SMALL | {"max_side": 224})
        )
        monkeypatch.setitem(recipes.RECIPES, name, small)
    fields: dict[str, Any] = {"task": "aesthetics", "evaluation_split": "test"}
    asked = config(rated, tmp_path / "all", recipe="ava-fcn-all", **fields)
    results = recipe_family.train_family(asked)
    assert list(results) == [f"ava-fcn-{number}" for number in range(1, 10)]
    with (tmp_path / "all" / recipe_family.TABLE_NAME).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["recipe"] for row in rows] == list(results)
    for row in rows:
        assert 0 <= float(row["accuracy"]) <= 1
        assert float(row["accuracy_majority"]) == pytest.approx(0.5)
    again = recipe_family.train_family(asked.model_copy(update={"resume": True}))
    assert again["ava-fcn-9"].metrics == results["ava-fcn-9"].metrics
