"""What help and cards say of recipes, as the command line reads it."""

import re
import shlex
from pathlib import Path

import pytest

from fcn_core import recipes
from fcn_core.recipes import ratings
from fcn_core.training import card_words
from fcn_core.training.initial_weights import open_initial
from pipelines.training.config import ExportConfig, TrainConfig
from tests.drawn.tiny_runs import draw_record


def test_help_names_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    families = {name: recipes.RECIPES[of[0]] for name, of in ratings.FAMILIES.items()}
    tasks = {name: row.task for name, row in {**recipes.RECIPES, **families}.items()}
    named = {name: task for task, of in recipes.names_by_task().items() for name in of}
    assert named == tasks
    with pytest.raises(SystemExit):
        TrainConfig.parse(["--help"])
    words = set(re.findall(r"[\w-]+", capsys.readouterr().out))
    assert set(named) <= words


@pytest.mark.parametrize(
    ("init", "told"), [("voc21", "voc21"), ("random", "random"), ("BUNDLE", "INIT")]
)
def test_the_command_of_a_card_runs(
    init: str, told: str, segmentation_bundle: Path
) -> None:
    given = str(segmentation_bundle) if init == "BUNDLE" else init
    record = draw_record(init=given, epochs=2, freeze=["head", "skip"], paste=0.25)
    record.evaluation.split = None
    train, export = card_words.command(record).split(" && ")
    config, rest = TrainConfig.parse(shlex.split(train)[2:])
    assert rest == []
    assert (config.init, config.recipe, config.seed) == (told, "voc21", 3)
    assert (config.epochs, config.freeze, config.paste) == (2, ["head", "skip"], 0.25)
    assert config.evaluation_split is None
    assert told == "INIT" or open_initial(told).describe() == record.settings.init
    assert "/somewhere" not in train
    ExportConfig.parse(shlex.split(export)[2:])
