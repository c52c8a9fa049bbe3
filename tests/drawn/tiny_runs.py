"""Tiny runs: what they are asked for, how they die, and records without a run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from fcn_core.recipes import RECIPES
from fcn_core.training.initial_weights import open_initial
from fcn_core.training.run_folder import load_run
from fcn_core.training.run_record import Measured, RunRecord, RunSettings
from fcn_core.training.session import Act, Part
from tests.drawn import tiny_recipes

SPEC = RECIPES["voc21"].model


def draw_settings(
    recipe: str = "voc21", spec: ModelSpec = SPEC, init: str = "random"
) -> RunSettings:
    """What decides the numbers of a run from some weights."""
    return RunSettings(
        recipe=recipe,
        numbers={"stages": []},
        init=open_initial(init).describe(),
        model=spec.to_json(),
        seed=3,
        holdout=0.0,
        train_split="train",
        validation_split=None,
        data="voc",
        data_fingerprint="0" * 64,
        classes=None,
    )


def draw_record(
    recipe: str = "voc21",
    spec: ModelSpec = SPEC,
    *,
    init: str = "random",
    **config: Any,
) -> RunRecord:
    """What a run of a recipe from some weights notes; keywords change its config."""
    folder = Path("/somewhere")
    asked = {"recipe": recipe, "init": init, "seed": 3, "task": spec.task, **config}
    return RunRecord(
        settings=draw_settings(recipe, spec, init),
        new_layers=["skip_stride8", "head_score"],
        about="Nothing",
        origin=open_initial(init).origin(spec),
        config=tiny_recipes.config(folder / "data", folder / "run", **asked),
        evaluation=Measured(split="val", images=100),
    )


SMALL: dict[str, Any] = {
    "average": 0.5,
    "blend": 0.25,
    "colour": 0.5,
    "epochs": 2,
    "validation_split": "val",
}

TINY = replace(tiny_recipes.SEGMENTATION, optimizer="sgd", learning_rate=0.02)
"""Few operations a step: Adam's state is the concern of the trainer's own tests."""


def kill_before(part: Part, epoch: int) -> Act:
    """A session that is killed before a part of its work."""

    def act(now: Part, number: int) -> None:
        if (now, number) == (part, epoch):
            raise KeyboardInterrupt

    return act


def weights_of(run: Path) -> dict[str, np.ndarray]:
    """Returns the chosen weights of a finished run."""
    return tensors_of(load_run(run)[0])
