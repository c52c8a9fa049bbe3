"""What takes minutes: kills, and every recipe learns what it is shown."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import recipes
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from fcn_core.recipes.recipe import RANDOM, Recipe
from fcn_core.training import initial_weights, train
from fcn_core.training.run_folder import RunFolder, load_run
from tests.drawn import tiny_networks, tiny_recipes, tiny_shards
from tests.drawn.tiny_recipes import config
from tests.runs.processes import spawn

TRAIN = """
import sys
from dataclasses import replace
from pathlib import Path
from fcn_core import recipes
from fcn_core.training import initial_weights, train
from fcn_core.models.spec import ModelSpec
from tests.drawn.tiny_recipes import SEGMENTATION, config
recipes.RECIPES["tiny"] = replace(SEGMENTATION, average=0.9)
data, output = map(Path, sys.argv[1:])
train.train(config(data, output, epochs=4, resume=True))
"""


@pytest.mark.slow
def test_killed_runs_end_with_the_same_numbers(tmp_path: Path) -> None:
    data = tiny_shards.drawn_data(tmp_path, train=4, val=1)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    process = spawn(TRAIN, data, parts)
    while not _epochs_done(parts):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 1 <= _epochs_done(parts) < 4
    for output in (parts, whole):
        ended = spawn(TRAIN, data, output)
        assert ended.communicate()[1] is not None
        assert ended.returncode == 0
    one, other = (tensors_of(load_run(folder)[0]) for folder in (whole, parts))
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], atol=1e-6, err_msg=name)


def _epochs_done(run: Path) -> int:
    return RunFolder.open(run).epochs_done if RunFolder.is_in(run) else 0


SIDE = 128
"""Of drawn photos: what scoring pads to, so that nothing is padded."""


PLAIN: dict[str, Any] = {
    "init": RANDOM,
    "crop": (SIDE, SIDE),
    "max_side": SIDE,
    "scale": (1.0, 1.0),
    "flip": False,
}
"""A recipe's photos as they are, its weights from nothing."""


CAFFE = PLAIN | {
    "crop": (64, 64),
    "max_side": 64,
    "padding_that_scores": False,
    "schedule": "poly",  # a momentum of 0.99 comes to rest
}


SCALED_SKIPS: dict[str, Any] = {
    "optimizer": "adam",
    "rates": {"backbone": 1.0, "head": 1.0, "skip": 1000.0},
    "bias_rate": 0.001,
}
"""What a step of SGD changes shrinks with the square of a skip's scale, 0.01."""


SEGMENTATIONS = sorted(
    name for name, recipe in recipes.RECIPES.items() if recipe.task == "segmentation"
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_every_segmentation_recipe_learns_four_pairs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe's own network, losses, stages and kind of optimizer, a raised rate.

    Besides that the network is narrow, without dropout, from random weights; photos are
    shown whole, as they are; batches have all four. Where that would not do in a
    minute, `CAFFE` and `SCALED_SKIPS` say what else, and soft labels are left out.
    """
    recipe = raised(recipes.find_recipe(name))
    # With 100 pixels around them small photos are large ones, and slow.
    caffe = recipe.model.geometry == "caffe"
    numbers = CAFFE if caffe else PLAIN | {"batch_size": 4}
    if recipe.model.skip_scales:
        numbers = numbers | SCALED_SKIPS
    if recipe.soft_labels:  # of weights that know something
        numbers = numbers | {"soft_labels": 0.0}
    model = tiny_network(recipe.model)
    tiny_recipes.use(monkeypatch, recipe, **numbers, model=model)
    data = four_pairs(tmp_path, side=64 if caffe else SIDE, times=5 if caffe else 20)
    asked = {"evaluation_split": "val", "allow_leak": True, "threads": 1}
    result = train.train(config(data, tmp_path / "run", **asked))
    assert result.metrics["pixel_accuracy"] > 0.95


def four_pairs(folder: Path, *, side: int, times: int) -> Path:
    """Four pairs, several times an epoch; the same four measure."""
    sizes = ((side, side),)
    drawn = tiny_shards.drawn_records(folder / "tree", train=4, val=0, sizes=sizes)
    splits = {"train": drawn["train"] * times, "val": drawn["train"]}
    return tiny_shards.write_finished(folder / "data", splits)


def raised(recipe: Recipe) -> Recipe:
    """Rates at which twenty steps an epoch suffice, those of each stage too."""
    rate = 1e-3 if recipe.optimizer == "sgd" else 3e-3
    if not recipe.stages:
        epochs = 16 if recipe.optimizer == "sgd" else 6
        if recipe.rates["backbone"] < 0.1:  # its random features have to do
            rate, epochs = 1e-2, 10
        if recipe.model.backbone == "resnet101":  # slow steps, quick to learn
            epochs = 3
        return replace(recipe, learning_rate=rate, epochs=epochs)
    last = 16 if recipe.optimizer == "sgd" else 4
    stages = tuple(
        replace(stage, learning_rate=rate, epochs=epochs)
        for stage, epochs in zip(recipe.stages, (1, 1, last), strict=True)
    )
    return replace(recipe, stages=stages)


def tiny_network(spec: ModelSpec) -> ModelSpec:
    """The recipe's network, narrow and without dropout."""
    widths = {"mobilenet_v2": 0.35, "mobilenet": 0.25, "resnet101": 0.1}
    width = widths.get(spec.backbone, 0.08)
    hidden = 24 if spec.head_width else 0
    return replace(spec, width=width, head_width=hidden, dropout=0.0)


def votes_known(metrics: dict[str, float]) -> bool:
    # With r=2, which NIMA trains with and which is never below r=1.
    return metrics["emd_r2"] < 0.02 < metrics["constant_emd_r2"]


def halves_known(metrics: dict[str, float]) -> bool:
    return metrics["accuracy"] == 1 and metrics["majority_accuracy"] == 0.5


VIEWS: dict[str, Any] = {"crop": (224, 224), "max_side": 224}


HALVES: dict[str, int] = {
    "ava-fcn-1": 8,
    **{f"ava-fcn-{number}": 4 for number in range(2, 8)},
    "ava-fcn-8": 3,
    "ava-fcn-9": 2,
}
"""Experiment -> epochs."""


STEADY_RATE = 3e-4
"""From `steady` weights of up to four draws all 22 runs learned at this rate.

At three times of it 20 of 21 did, at ten times 3 of 6. Keras's own weights fade from
layer to layer; from them these networks moved only at rates where they may as well
break: one run learned, another ended with one score for every photo or was not finite.
"""


RATED: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    "nima": ({}, {"epochs": 14, "learning_rate": 0.05}, votes_known),
    "nima-adam": ({}, {"epochs": 8, "learning_rate": 3e-3}, votes_known),
    "nima-mean": (
        {"schedule": "poly"},  # Adam comes to rest: at one rate it jumps until the end
        {"epochs": 10, "learning_rate": 1.5e-3},
        lambda metrics: metrics["mse"] < 0.04,  # a tenth of the means' variance
    ),
    **{
        name: (VIEWS, {"epochs": epochs, "learning_rate": STEADY_RATE}, halves_known)
        for name, epochs in HALVES.items()
    },
    "quality-whole": (
        {},
        {"epochs": 4, "learning_rate": 0.01, "batch_size": 20},
        lambda metrics: metrics["srcc"] > 0.8,
    ),
}
"""Recipe -> its photos, its raised numbers, what its figures must be."""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RATED))
def test_the_votes_of_four_photos_are_learned(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers, asked, expected = RATED[name]
    recipe = recipes.find_recipe(name)
    side = numbers.get("crop", PLAIN["crop"])[0]
    four = tiny_shards.rated_records(5, side=side - 16)[:4]
    splits = {"train": four * 20, "test": four}
    data = tiny_shards.write_finished(tmp_path / "data", splits)
    model = tiny_network(recipe.model)
    tiny_recipes.use(monkeypatch, recipe, **(PLAIN | numbers), model=model)
    if name in HALVES:
        _begin_steady(monkeypatch)
    asked = asked | {"task": "aesthetics", "evaluation_split": "test"}
    always: dict[str, Any] = {"allow_leak": True, "threads": 1, "batch_size": 4}
    result = train.train(config(data, tmp_path / "run", **(always | asked)))
    assert expected(result.metrics)


def _begin_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes random initial weights those of `steady`."""
    load = initial_weights.Random.load

    def load_steady(self: Any, model: Any, *rest: Any) -> Any:
        return load(self, tiny_networks.steady(model), *rest)

    monkeypatch.setattr(initial_weights.Random, "load", load_steady)
