"""Recipes on one data set, one after another, in one run, with equal budgets.

    python -m benchmarks.recipes_side_by_side --data data/voc --init FILE.h5
        [--recipe voc21-imagenet keras-fcn-mobilenet_v2] [--epochs 20 8] [--output DIR]

Each recipe trains from the same initial weights, its schedule falling over its passes,
and is measured once on the evaluation split, which chose nothing. By default all see
equally many pixels: 512x512 has 2.6 times those of 320x320. Prints a Markdown table
with the seconds that each trained. The machine should do nothing else. Runs are kept in
DIR, where the same command goes on if it was stopped.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fcn_core.training import train
from fcn_core.training.config import TrainingConfig

DEFAULT = ["voc21-imagenet", "keras-fcn-mobilenet_v2"]


@dataclass(frozen=True)
class Entry:
    """A recipe's line of the table."""

    recipe: str
    epochs: int
    seconds: float
    metrics: dict[str, float]

    def row(self) -> str:
        """Returns it as a line of Markdown."""
        shares = [
            f"{100 * self.metrics[name]:.1f}"
            for name in ("pixel_accuracy", "mean_accuracy", "miou")
        ]
        cells = [f"`{self.recipe}`", str(self.epochs), f"{self.seconds:.0f}", *shares]
        return f"| {' | '.join(cells)} |"


def _train(
    asked: argparse.Namespace, recipe: str, *, epochs: int, folder: Path
) -> Entry:
    result = train.train(
        TrainingConfig(
            task="segmentation",
            data=asked.data,
            recipe=recipe,
            init=asked.init,
            output=folder,
            epochs=epochs,
            seed=asked.seed,
            resume=True,
        )
    )
    return Entry(recipe, epochs, result.seconds, result.metrics)


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="a finished `fcn convert` folder")
    parser.add_argument("--init", required=True, help="weights that all start from")
    parser.add_argument("--recipe", nargs="+", default=DEFAULT)
    parser.add_argument("--epochs", nargs="+", type=int, default=[20, 8])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="folder that keeps the runs")
    asked = parser.parse_args()
    print("| recipe | epochs | seconds | pixel acc | mean acc | mIoU |")
    print("|---|---|---|---|---|---|", flush=True)
    with TemporaryDirectory() as name:
        runs = asked.output or Path(name)
        for recipe, epochs in zip(asked.recipe, asked.epochs, strict=True):
            entry = _train(asked, recipe, epochs=epochs, folder=runs / recipe)
            print(entry.row(), flush=True)


if __name__ == "__main__":
    main()
