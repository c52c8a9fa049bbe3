"""An epoch of gradient steps: a batch in parts, on one device or several.

Each part's loss is divided by the whole batch's total, so gradients of parts add up to
the gradient of the batch: for photos of mixed sizes, for parts that save memory
(`accumulate`), for replicas. Only what looks at the batch as a whole differs: dropout
draws, and batch norms that are not frozen, which take each part's own statistics.
"""

import contextlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fcn_core.recipes.recipe import Recipe
from fcn_core.training import schedules
from fcn_core.training.batches import Batch, Piece
from fcn_core.training.loss_scale import LossScale
from fcn_core.training.objectives.objective import Objective
from fcn_core.training.optimizers import GroupOptimizers, MovingAverage
from fcn_core.training.progress import OnStep
from fcn_core.training.teacher import Teacher
from fcn_core.whole_files import whole_file


class TrainingError(Exception):
    """Training cannot go on; the message says why and what helps."""


class Trainer:
    """A model, its objective and its optimizers.

    Args:
        model: Trained in place; frozen groups are made untrainable.
        recipe: Rates, schedule, weight decay; of one stage.
        objective: What the loss is.
        steps: Steps of an epoch, for the schedule.
        teacher: Whose logits are the soft labels, if the recipe has any.
        strategy: Where the model lives; None: on one device.

    Attributes:
        scale: Of the loss; None where the layers compute in another precision than
            float16.
    """

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        objective: Objective,
        *,
        steps: int,
        teacher: Teacher | None = None,
        strategy: Any = None,
    ) -> None:
        self._model = model
        self._recipe = recipe
        self._objective = objective
        self._steps = steps
        self._teacher = teacher
        self._strategy = strategy or tf.distribute.get_strategy()
        with self._strategy.scope():
            self._optimizers = GroupOptimizers(model, recipe)
            self._average = (
                MovingAverage(model, recipe.average) if recipe.average else None
            )
            self.scale = LossScale() if recipe.precision == "float16" else None
        if not self._optimizers.variables:
            raise TrainingError(
                f"the recipe's rates {recipe.rates} leave nothing to train, expected "
                "at least one group above 0"
            )
        self._part = tf.function(self._part_gradients, reduce_retracing=True)
        self._apply = tf.function(self._apply_gradients, reduce_retracing=True)

    def run_epoch(
        self,
        batches: Iterable[Batch],
        *,
        epoch: int,
        seed: int,
        label: str,
        drops: int = 0,
        on_step: OnStep | None = None,
    ) -> float:
        """Makes one pass and returns the mean loss of its steps.

        Args:
            batches: Of the objective.
            epoch: Its number in the stage, from 1.
            seed: Of the dropout.
            label: What to call the epoch in messages.
            drops: Plateaus met before it.
            on_step: Called after every step.

        Raises:
            TrainingError: The loss is not finite.
        """
        _seed_dropout(self._model, seed)
        total, done = 0.0, 0
        for batch in batches:
            factor = schedules.rate_factor(
                self._recipe,
                step=(epoch - 1) * self._steps + done,
                steps_an_epoch=self._steps,
                drops=drops,
            )
            self._optimizers.set_factor(factor)
            loss = self.step(batch)
            done += 1
            if not math.isfinite(loss):
                raise TrainingError(
                    f"{label}: the loss of step {done} is {loss}, expected a finite "
                    "number; lower --learning_rate and start again"
                )
            total += loss
            if on_step is not None:
                on_step(done, total / done)
        return total / max(1, done)

    def step(self, batch: Batch) -> float:
        """Makes one step and returns the batch's loss, penalties included."""
        pieces = list(self._parts(batch))
        weight = sum(self._objective.weight(piece) for piece in batch)
        total = tf.constant(max(weight, 1.0), tf.float32)
        share = tf.constant(1 / len(pieces), tf.float32)
        loss, gradients = 0.0, None
        for piece in pieces:
            part_loss, part = self._part(self._deal(piece), total, share)
            loss += float(part_loss)
            gradients = part if gradients is None else _sum(gradients, part)
        if gradients is not None and math.isfinite(loss):
            self._apply(gradients)
        return loss

    def _parts(self, batch: Batch) -> Iterable[Piece]:
        """Yields each piece in parts of at most `1 / accumulate` of the batch."""
        examples = sum(len(piece[0]) for piece in batch)
        at_once = -(-examples // self._recipe.accumulate)
        for piece in batch:
            for start in range(0, len(piece[0]), at_once):
                yield tuple(values[start : start + at_once] for values in piece)

    def _deal(self, piece: Piece) -> tuple[Any, Any]:
        """Deals a part's examples to the replicas, and 1 where they count, else 0.

        A replica without an example gets the last one, which does not count: of an
        empty batch oneDNN's convolutions return a wrong shape.
        """
        replicas = self._strategy.num_replicas_in_sync
        if replicas == 1:
            one = tf.constant(1.0, tf.float32)
            return tuple(tf.convert_to_tensor(values) for values in piece), one
        shares = [
            [part if len(part) else values[-1:] for part in parts]
            for values in piece
            for parts in [np.array_split(values, replicas)]
        ]
        counts = np.arange(replicas) < len(piece[0])
        return (
            tuple(self._hand_out(share) for share in shares),
            self._hand_out(counts.astype(np.float32)),
        )

    def _hand_out(self, values: Sequence[Any] | NDArray[np.float32]) -> Any:
        """Gives each replica its value."""
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.convert_to_tensor(
                values[context.replica_id_in_sync_group]
            )
        )

    def _part_gradients(self, dealt: Any, total: Any, share: Any) -> Any:
        found = self._strategy.run(self._replica_gradients, (dealt, total, share))
        return tf.nest.map_structure(
            lambda value: self._strategy.reduce("SUM", value, axis=None), found
        )

    def _replica_gradients(self, dealt: Any, total: Any, share: Any) -> Any:
        """Returns what this part of the batch adds to the loss and its gradients."""
        piece, counts = dealt
        images = tf.cast(piece[0], tf.float32)
        soft = None if self._teacher is None else self._teacher(images)
        with tf.GradientTape() as tape:
            logits = self._model(images, training=True)
            loss = self._objective.loss(
                tf.cast(logits, tf.float32), piece, total=total, soft=soft
            )
            loss *= counts
            for penalty in self._model.losses:
                loss += penalty * share / self._strategy.num_replicas_in_sync
            scaled = loss if self.scale is None else loss * self.scale.factor
        return loss, tape.gradient(
            scaled,
            self._optimizers.variables,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )

    def _apply_gradients(self, gradients: dict[str, list[Any]]) -> None:
        if self.scale is None:
            self._update(gradients)
        else:
            self.scale.apply(gradients, self._update)

    def _update(self, gradients: dict[str, list[Any]]) -> None:
        self._optimizers.apply(gradients)
        if self._average is not None:
            self._average.update()

    def result(self) -> contextlib.AbstractContextManager[None]:
        """Gives the model the weights that count, the averages, while entered."""
        if self._average is None:
            return contextlib.nullcontext()
        return self._average.in_place()

    def save(self, path: Path) -> None:
        """Writes what the next step depends on besides the result's weights (.npz)."""
        state: Any = {name: np.asarray(v) for name, v in self._state().items()}
        with whole_file(path) as new:
            np.savez(new, **state)

    def restore(self, path: Path) -> None:
        """Reads what `save` wrote, into a model that has the result's weights."""
        if self._average is not None:
            self._average.take_from_model()
        with np.load(path, allow_pickle=False) as state:
            for name, variable in self._state().items():
                variable.assign(state[name])

    def _state(self) -> dict[str, keras.Variable | tf.Variable]:
        parts = [self._optimizers, self._average, self.scale]
        return {
            name: variable
            for part in parts
            if part is not None
            for name, variable in part.state().items()
        }


def _sum(first: Any, second: Any) -> Any:
    return tf.nest.map_structure(tf.add, first, second)


def _seed_dropout(model: keras.Model, seed: int) -> None:
    """Makes a resumed run draw the dropout it would have drawn."""
    for layer in model.layers:
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign(np.array([seed, 0], np.uint32))
