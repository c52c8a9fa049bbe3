"""How much of training's CPU time the input takes: decode, augment, batch.

    python -m benchmarks.input_speed --data data/voc [--recipe NAME ...] [--steps 6]

Measures seconds of CPU, over all threads of the process, for the same batches: making
them, and training steps with them. TensorFlow has one thread: waiting threads spin.
"""

import argparse
import time
from pathlib import Path

import keras
import tensorflow as tf

from fcn_core import memory
from fcn_core.models.build import build
from fcn_core.recipes import find_recipe
from fcn_core.records.source import Source
from fcn_core.training.batches import Batch
from fcn_core.training.objectives.make import make_objective
from fcn_core.training.settings import spec_for
from fcn_core.training.trainer import Trainer


def measure(name: str, data: Path, *, split: str, steps: int) -> tuple[float, float]:
    """Returns milliseconds of CPU per example: of the input, and of the steps."""
    source = Source(folder=data, split=split)
    recipe = next(find_recipe(name).parts())
    spec = spec_for(recipe, source)
    objective = make_objective(spec, recipe, source)
    keras.utils.set_random_seed(1)
    teacher = build(spec) if recipe.soft_labels else None
    trainer = Trainer(build(spec), recipe, objective, steps=steps, teacher=teacher)
    drawn: list[Batch] = []
    examples = 0
    start = time.process_time()
    # All of an epoch: examples are made ahead of those that are asked for.
    for batch in objective.batches(
        source, batch_size=recipe.batch_size, seed=1, epoch=1
    ):
        examples += _size(batch)
        drawn = [*drawn, batch][:steps]
    made = (time.process_time() - start) / examples
    for batch in drawn:  # traces each size
        trainer.step(batch)
    start = time.process_time()
    for batch in drawn:
        trainer.step(batch)
    stepped = (time.process_time() - start) / sum(map(_size, drawn))
    return 1e3 * made, 1e3 * stepped


def _size(batch: Batch) -> int:
    return sum(len(piece[0]) for piece in batch)


def main() -> None:
    """Prints a line per recipe."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="train")
    parser.add_argument(
        "--recipe", nargs="+", default=["voc21", "voc21-imagenet", "quality"]
    )
    parser.add_argument("--steps", type=int, default=6)
    asked = parser.parse_args()
    memory.keep_freed_memory()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for name in asked.recipe:
        made, stepped = measure(name, asked.data, split=asked.split, steps=asked.steps)
        share = made / stepped
        print(
            f"{name:<24}input {made:6.1f} ms, step {stepped:7.1f} ms: {share:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
