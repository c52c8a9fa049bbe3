"""The record of a run that never ran, for tests of what reads it."""

from pathlib import Path
from typing import Any

from fcn_core.models.spec import ModelSpec
from fcn_core.recipes import RECIPES
from fcn_core.training.initial_weights import open_initial
from fcn_core.training.run_record import Measured, RunRecord, RunSettings
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
