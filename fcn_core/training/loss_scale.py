"""Loss scaling for float16, whose smallest gradients would vanish (Micikevicius, 2018).

One scale for all groups of variables, so that a step is made for all or for none.
"""

from collections.abc import Callable
from typing import Any, Final

import keras
import tensorflow as tf

_FIRST: Final = 2.0**15
_GOOD_STEPS: Final = 2000
"""Steps without overflow after which the scale doubles."""


class LossScale:
    """A factor on the loss that halves at an overflow and doubles in good times."""

    def __init__(self) -> None:
        self.factor = keras.Variable(_FIRST, trainable=False, name="loss_scale")
        self._good = keras.Variable(0, dtype="int32", trainable=False, name="good")

    def apply(
        self,
        gradients: dict[str, list[Any]],
        update: Callable[[dict[str, list[Any]]], None],
    ) -> None:
        """Updates with unscaled gradients, or skips the step where one overflowed."""
        flat = tf.nest.flatten(gradients)
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in flat])

        def good() -> Any:
            update(tf.nest.map_structure(lambda g: g / self.factor, gradients))
            self._good.assign_add(1)
            if_long = self._good >= _GOOD_STEPS
            self.factor.assign(tf.where(if_long, self.factor * 2, self.factor))
            self._good.assign(tf.where(if_long, 0, self._good))
            return finite

        def overflow() -> Any:
            self.factor.assign(tf.maximum(self.factor / 2, 1.0))
            self._good.assign(0)
            return finite

        tf.cond(finite, good, overflow)

    def state(self) -> dict[str, tf.Variable]:
        """Returns name -> variable."""
        return {"loss-scale": self.factor, "loss-scale-good-steps": self._good}
