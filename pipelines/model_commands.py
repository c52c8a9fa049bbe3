"""`fcn train`, `fcn export`, `fcn models`: a model from its data to its proof."""

import json
import logging
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fcn_core import model_check, model_facts, scoring
from fcn_core.dataset_info import DatasetError, read_dataset_info
from fcn_core.model_card import ModelCard, ModelError
from fcn_core.record_fields import RecordError
from fcn_core.tfrecord import FrameError
from fcn_core.training_config import RECIPE_NAMES
from pipelines.faults import JobFault, SystemicFault, UsageError
from pipelines.quiet_import import import_quietly

if TYPE_CHECKING:
    from fcn_core.training_config import TrainingConfig


def task_of(recipe: str) -> Literal["segmentation", "aesthetics"]:
    """Returns what a recipe trains.

    Raises:
        UsageError: there is no such recipe; names those there are.
    """
    for task, names in RECIPE_NAMES.items():
        if recipe in names:
            return task
    import_quietly("tensorflow")
    from fcn_core import recipes

    try:
        return recipes.find_recipe(recipes.FAMILIES.get(recipe, (recipe,))[0]).task
    except ValueError as error:
        raise UsageError(f"--{error}") from error


def train(config: "TrainingConfig", *, as_json: bool) -> int:
    """Trains a recipe, or a family of them, and tells what it came to."""
    try:
        read_dataset_info(config.data)  # before anything heavy is loaded
    except DatasetError as error:
        raise UsageError(str(error)) from error
    with told_plainly():
        from fcn_core import publish, training
        from fcn_core.recipes import FAMILIES

        if config.recipe in FAMILIES:
            return _train_family(config, as_json=as_json)
        result = training.train(config)
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
    from fcn_core import recipe_family

    rows = recipe_family.rows_of(recipe_family.train_family(config))
    if as_json:
        print(json.dumps([_finite(row) for row in rows], indent=1))
        return 0
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_cell(row.get(name, "")) for name in columns))
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    print(f"table: {config.output / recipe_family.TABLE_NAME}")
    return 0


def _finite(figures: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no word for a figure that could not be computed but null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }


def _cell(value: str | float) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def export(
    run: str, output: str, *, name: str | None, version: str, as_json: bool
) -> int:
    """Writes the bundle of a finished run."""
    with told_plainly():
        from fcn_core import publish

        card = publish.export_run(Path(run), Path(output), name=name, version=version)
    if as_json:
        print(json.dumps({"path": str(Path(output).resolve()), "label": card.label}))
    else:
        print(f"{card.label}  {output}  fingerprint {card.fingerprint[:16]}")
    return 0


@contextmanager
def told_plainly() -> Iterator[None]:
    """Shows the core's own log, and turns its refusals into one line.

    Raises:
        UsageError: the core names what it cannot use.
        SystemicFault: The memory does not hold a batch.
    """
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    logging.getLogger("fcn_core").setLevel(logging.INFO)
    import_quietly("tensorflow")
    import tensorflow as tf

    from fcn_core.models import WeightsError
    from fcn_core.recipes import RecipeError
    from fcn_core.run_folder import RunError
    from fcn_core.trainer import TrainingError

    try:
        yield
    except (DatasetError, ModelError, RecipeError, RunError, WeightsError) as error:
        raise UsageError(str(error)) from error
    except (FrameError, RecordError) as error:
        raise UsageError(f"{error}; convert the data set again") from error
    except TrainingError as error:
        raise JobFault(str(error)) from error
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise SystemicFault(
            "out of memory, expected room for a batch; lower --batch_size, or raise "
            "--accumulate"
        ) from error


def list_all(*, as_json: bool) -> int:
    """Prints the built-in models."""
    rows = [_described(name) for name in scoring.built_in_names()]
    for row in rows:
        row |= _measured(row["path"])
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    heads = ("name", "task", "output", "MB", "stride", "smallest side", "parameters")
    lines = [(*heads, "ms/megapixel", "metric"), *map(_listed, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = zip(line, widths, strict=True)
        print("  ".join(f"{cell:<{width}}" for cell, width in cells).rstrip())
    return 0


def _listed(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A model's cells in the table."""
    kinds = row["classes"] or row["rating_bins"] or []
    parameters, time = row["parameters"], row["ms_per_megapixel"]
    return (
        row["name"],
        row["task"],
        f"{len(kinds)} {'classes' if row['classes'] else 'ratings'}",
        f"{row['megabytes']:.1f}",
        str(row["logits_stride"]),
        str(row["minimum_side"]),
        "-" if parameters is None else f"{parameters:,}",
        "-" if time is None else f"{time:.0f} ({row['engine']})",
        ", ".join(f"{m['name']} {m['value']:.3f}" for m in row["metrics"][:1]),
    )


def show(name: str, *, as_json: bool) -> int:
    """Prints a model's card, its size, and its speed on this machine."""
    row = _described(name)
    row |= _measured(row["path"])
    if as_json:
        print(json.dumps(row, indent=1))
        return 0
    for key, value in row.items():
        if value not in (None, "", [], {}):
            first, *others = _told(key, value)
            print(f"{key:<16} {first}")
            for line in others:
                print(f"{'':<16} {line}")
    return 0


def check(name: str, *, as_json: bool) -> int:
    """Runs every signature of a bundle on a small photo and compares the engines."""
    try:
        folder = scoring.find_bundle(name)
    except ModelError as error:
        raise UsageError(str(error)) from error
    import_quietly("tensorflow")
    findings = model_check.check(folder)
    if as_json:
        print(json.dumps([vars(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{finding.level:<8} {finding.check:<22} {finding.detail}")
    wrong = [finding for finding in findings if finding.level == "error"]
    if wrong:
        raise JobFault(f"{name}: {wrong[0].check}: {wrong[0].detail}")
    return 0


def _described(name: str) -> dict[str, Any]:
    try:
        folder = scoring.find_bundle(name)
        card = ModelCard.read(folder)
    except ModelError as error:
        raise UsageError(str(error)) from error
    content: Mapping[str, Any] = card.model_dump(mode="json")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "path": str(folder.resolve()),
        "megabytes": round(size / 1e6, 2),
        **content,
    }


def _measured(path: str) -> dict[str, Any]:
    """Returns parameters and time of a bundle; a card is shown all the same."""
    try:
        facts = model_facts.measure(Path(path))
    except ModelError as error:
        logging.getLogger(__name__).warning("not measured: %s", error)
        return {"parameters": None, "engine": None, "ms_per_megapixel": None}
    return vars(facts)


def _told(key: str, value: Any) -> list[str]:
    """Returns a field of a card as a person reads it, a line or several."""
    if key == "metrics":
        return [
            f"{one['name']} {one['value']:.4f} on {one['images']} photos of "
            f"{one['data']}, {one['split']}"
            for one in value
        ]
    if isinstance(value, Mapping):
        return [f"{name}: {_short(one)}" for name, one in value.items()]
    if isinstance(value, list):
        return [
            ", ".join(
                f"{one:g}" if isinstance(one, float) else str(one) for one in value
            )
        ]
    return [_short(value)]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 400 else text[:397] + "..."
