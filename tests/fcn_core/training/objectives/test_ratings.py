"""Ratings by people: targets, scores, losses that reach them; quality of any photos."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fcn_core import images
from fcn_core.evaluation import degradations
from fcn_core.models.build import build
from fcn_core.recipes import find_recipe
from fcn_core.records.source import Source
from fcn_core.scoring import feed
from fcn_core.training.objectives.make import make_objective
from fcn_core.training.objectives.ratings import rating_scores, rating_target
from fcn_core.training.trainer import Trainer
from tests.drawn import tiny_shards
from tests.drawn.tiny_recipes import RATING

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.rated_data(tmp_path_factory.mktemp("ava"), train=4, test=3)


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
    assert scores["srcc_mean"] == pytest.approx(1)
    assert scores["accuracy"] == 1
    assert scores["emd_r1"] == pytest.approx(0, abs=1e-6)
    assert scores["constant_emd_r1"] > 0.01
    mean = np.broadcast_to(exact.mean(axis=0), exact.shape)
    constant = rating_scores(mean, records, bins=bins)
    for name in ("emd_r1", "emd_r2"):
        assert constant[name] == pytest.approx(constant[f"constant_{name}"])


def test_scores_of_other_kinds_of_ratings() -> None:
    records = [
        replace(one, mean=mean)
        for one, mean in zip(
            tiny_shards.rated_records(5)[:4], (2.0, 5.0, 5.2, 9.0), strict=True
        )
    ]
    marks = np.array([2.0, 4.0, 5.3, 8.0])
    predicted = np.stack([1 - (marks - 1) / 9, (marks - 1) / 9], axis=1)
    scores = rating_scores(predicted, records, bins=(1, 10))
    assert scores["mse"] == pytest.approx((0 + 1 + 0.01 + 1) / 4)
    assert (scores["accuracy"], scores["srcc_mean"]) == (1, 1)  # high is above 5
    labels = np.array([one.label for one in records])
    high = np.stack([labels == 0, labels == 1], axis=1)
    assert rating_scores(high, records, bins=(0, 1)) == {
        "accuracy": 1.0,
        "majority_accuracy": 0.5,
    }


@pytest.mark.parametrize("classes", [1, 2, 10])
def test_each_kind_of_rating_makes_a_step_and_is_measured(
    rated: Path, classes: int
) -> None:
    model = replace(RATING.model, classes=classes)
    recipe = replace(RATING, copies=0, model=model, optimizer="sgd")
    source = Source(folder=rated, split="train", labelled=classes == 2)
    objective = make_objective(model, recipe, source)
    network = build(model)
    batch = next(objective.batches(source, batch_size=2, seed=1, epoch=1))
    assert Trainer(network, recipe, objective, steps=1).step(batch) > 0
    expected = {1: "mse", 2: "majority_accuracy", 10: "constant_emd_r1"}[classes]
    scores = objective.scores(network, source)
    assert {"accuracy", expected, objective.judge} <= set(scores)


def test_fine_tuned_aesthetics_see_what_is_scored(rated: Path) -> None:
    recipe = replace(find_recipe("aesthetics"), flip=False)
    source = Source(folder=rated, split="train")
    objective = make_objective(recipe.model, recipe, source)
    assert objective.card.nearest_pixels == 224 * 224
    batches = objective.batches(source, batch_size=1, seed=1, epoch=1)
    shown = [photos[0] for batch in batches for photos, *_ in batch]
    wanted = feed.feed_of(objective.card)
    scored = [
        feed.prepare(images.decode(record.encoded, max_side=640), wanted).batch[0]
        for record in source.records()
    ]
    assert len(shown) == len(scored)
    found = [any(np.array_equal(one, other) for other in shown) for one in scored]
    assert all(found)


def test_quality_learns_from_any_photos(rated: Path) -> None:
    source = Source(folder=rated, split="train")
    objective = make_objective(RATING.model, RATING, source)
    (photos, _, targets), *_ = next(
        objective.batches(source, batch_size=4, seed=1, epoch=1)
    )
    assert len(photos) <= 4
    assert targets.sum(axis=1) == pytest.approx(1, abs=1e-6)
    untouched = degradations.target_ratings(0)  # whatever the voters predicted
    assert targets[0] == pytest.approx(untouched)
