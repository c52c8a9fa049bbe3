"""Several recipes on the same data, one after another, in one table."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fcn_core.recipes.ratings import FAMILIES
from fcn_core.training.config import TrainingConfig
from fcn_core.training.run_folder import RunFolder
from fcn_core.training.train import RunResult, train
from fcn_core.whole_files import whole_file

TABLE_NAME: Final = "comparison.csv"


def train_family(config: TrainingConfig) -> dict[str, RunResult]:
    """Trains every recipe of a family, each in a folder of its own name.

    The table is written after each recipe; with `resume` finished recipes are only
    measured again.

    Args:
        config: Its `recipe` is a key of `FAMILIES`.

    Raises:
        KeyError: It is not.
    """
    results = {}
    for name in FAMILIES[config.recipe]:
        folder = config.output / name
        # A family that was killed has recipes that were never begun.
        resume = config.resume and folder.exists()
        member = config.model_copy(
            update={"recipe": name, "output": folder, "resume": resume}
        )
        results[name] = train(member)
        write_table(config.output / TABLE_NAME, results)
    return results


def rows_of(results: Mapping[str, RunResult]) -> list[dict[str, str | float]]:
    """Returns a row a recipe: name, epochs, seconds, and its metrics."""
    return [
        {
            "recipe": name,
            "about": RunFolder.open(result.folder).record.about,
            "epochs": result.epochs,
            "seconds": round(result.seconds, 1),
            **result.metrics,
        }
        for name, result in results.items()
    ]


def write_table(path: Path, results: Mapping[str, RunResult]) -> None:
    """Writes the rows as CSV; a metric that a recipe lacks stays empty."""
    rows = rows_of(results)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with whole_file(path) as new, new.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns)
        writer.writeheader()
        writer.writerows(rows)
