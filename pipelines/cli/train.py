"""The commands `fcn train` and `fcn export`: a model from its data to its bundle."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fcn_core.labels import Task
from pipelines import files
from pipelines.cli.table import print_table
from pipelines.faults import UsageError
from pipelines.quiet_import import import_quietly
from pipelines.training.config import ExportConfig, TrainConfig
from pipelines.training.core import core_errors_as_usage_errors, show_core_log

if TYPE_CHECKING:
    from fcn_core.training.config import TrainingConfig


def task_of(recipe: str) -> Task:
    """Returns what a recipe trains.

    Raises:
        UsageError: There is no such recipe; names those there are.
    """
    from fcn_core import recipes

    for task, names in recipes.names_by_task().items():
        if recipe in names:
            return task
    try:
        return recipes.find_recipe(recipe).task
    except recipes.RecipeError as error:
        raise UsageError(f"--{error}") from error


def train(arguments: Sequence[str]) -> int:
    """`fcn train`: TFRecords -> a trained model in a run folder."""
    from fcn_core import memory

    # Before NumPy is loaded: with its first thread the C library settles how it will
    # serve threads.
    memory.keep_freed_memory()
    config, _ = TrainConfig.parse(arguments)
    from fcn_core.training.config import TrainingConfig

    asked = config.model_dump(exclude={"json_output", "log_format", "task"})
    asked["data"] = _fetched(config.data)
    files.to_path(config.output)  # refuses another store
    task = config.task or task_of(config.recipe)
    return _train(TrainingConfig(task=task, **asked), as_json=config.json_output)


def _fetched(data: str) -> str:
    """Returns a data set's folder on this machine, where training reads it often."""
    try:
        return str(files.fetch_folder(data))
    except FileNotFoundError as error:
        raise UsageError(
            f"--data {data}: got nothing there, expected a finished data set; check "
            "the address"
        ) from error


def _train(config: "TrainingConfig", *, as_json: bool) -> int:
    """Trains a recipe, or a family of them, and prints the outcome."""
    from fcn_core.records.dataset_info import DatasetError, read_dataset_info

    try:
        read_dataset_info(config.data)  # before anything heavy is loaded
    except DatasetError as error:
        raise UsageError(str(error)) from error
    show_core_log()
    import_quietly("tensorflow")
    with core_errors_as_usage_errors():
        from fcn_core.recipes.ratings import FAMILIES
        from fcn_core.training import publish
        from fcn_core.training import train as training_train

        if config.recipe in FAMILIES:
            return _train_family(config, as_json=as_json)
        result = training_train.train(config)
    outcome = {
        "run": str(result.folder),
        "epochs": result.epochs,
        "chosen_epoch": result.chosen_epoch,
        "seconds": round(result.seconds, 1),
        "images_per_second": round(result.images_per_second, 2),
        "metrics": _finite(result.metrics),
    }
    if as_json:
        print(json.dumps(outcome, indent=1))
        return 0
    figures = "  ".join(
        f"{name} {value:.4f}"
        for name, value in result.metrics.items()
        if not name.startswith("iou_")  # a class each; they are in the card
    )
    speed = f"{result.images_per_second:.1f} images/s"
    print(f"{result.epochs} epochs in {result.seconds:.0f} s ({speed})  {figures}")
    if not publish.not_exported(result.folder):
        print(f"next: fcn export --model {result.folder} --output BUNDLE")
    return 0


def _train_family(config: "TrainingConfig", *, as_json: bool) -> int:
    """Trains several recipes and prints one table of them."""
    from fcn_core.training import family

    rows = family.rows_of(family.train_family(config))
    if as_json:
        print(json.dumps([_finite(row) for row in rows], indent=1))
        return 0
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = ([_cell(row.get(name, "")) for name in columns] for row in rows)
    print_table(columns, cells, numbers=columns[1:])
    print(f"table: {config.output / family.TABLE_NAME}")
    return 0


def _finite(figures: Mapping[str, Any]) -> dict[str, object]:
    """Replaces figures that could not be computed by null, which JSON knows."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }


def _cell(value: str | float) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def export(arguments: Sequence[str]) -> int:
    """`fcn export`: a trained model -> a bundle that scores."""
    config, _ = ExportConfig.parse(arguments)
    from pipelines.training import export_model

    card, path = export_model.run(config), files.to_path(config.output).resolve()
    if config.json_output:
        outcome = {"path": str(path), "label": card.label}
        form = card.int8.model_dump(mode="json") if card.int8 else None
        print(json.dumps(outcome | ({"int8": form} if form else {})))
        return 0
    print(f"{card.label}  {config.output}  fingerprint {card.fingerprint[:16]}")
    for line in export_model.int8_lines(card):
        print(line)
    return 0
