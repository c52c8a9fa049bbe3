"""A network on a device: batches of one shape in, logits out as they are passed on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.find import find_bundle
from fcn_core.bundles.seal import verify
from fcn_core.scoring import engines
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.scorers import check_shape, run_network
from fcn_core.scoring.stages import Block, array_at, wire_dtype


class DeviceNetwork:
    """Computes batches, whose rows do not depend on each other.

    Args:
        card: Of the model.
        engine: Runs it.
        arithmetic: Of the engine.
    """

    def __init__(
        self, card: ModelCard, engine: engines.Engine, arithmetic: Arithmetic
    ) -> None:
        self.card, self._engine, self._arithmetic = card, engine, arithmetic

    def batch_rows(self, rows: int, size: int) -> int:
        """Returns how many rows to compute for so many in a batch of a size.

        A GPU's programs fill themselves; without, batches are always full.
        """
        return max(1, rows) if self._arithmetic.on_gpu else size

    def compute(self, batch: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """Returns the logits of each part of the card, `[B, h, w, C]`.

        Args:
            batch: uint8 RGB `[B, H, W, 3]`, padded.

        Raises:
            ModelError: They have another shape than the card promises.
        """
        height, width = batch.shape[1:3]
        computed = []
        found = run_network(self._engine, batch, self.card)
        for part, logits in zip(self.card.parts, found, strict=True):
            check_shape(logits, part, padded=(height, width))
            computed.append(
                logits.astype(wire_dtype(part, self._arithmetic), copy=False)
            )
        return computed


def write_row(
    computed: Sequence[NDArray[Any]],
    row: int,
    block: Block,
    *,
    places: Sequence[int],
) -> None:
    """Writes the logits of one row of a batch where its photo has them.

    Args:
        computed: As `DeviceNetwork.compute` returned them.
        row: Its number in the batch.
        block: The memory that they are passed on in.
        places: Where the logits of each part begin.
    """
    for logits, start in zip(computed, places, strict=True):
        array_at(block, start, logits.shape[1:], dtype=logits.dtype)[:] = logits[row]


def open_network(name_or_path: str, arithmetic: Arithmetic) -> DeviceNetwork:
    """Opens a model for a device, after checking that its files are those of its card.

    Args:
        name_or_path: Built-in name or bundle folder.
        arithmetic: What computes it.

    Raises:
        ModelError: The model cannot be used there; the message names the cure.
    """
    bundle = find_bundle(name_or_path)
    card = ModelCard.read(bundle)
    verify(card, bundle)
    engine = engines.open_engine(bundle, arithmetic)
    if isinstance(engine, engines.TensorFlowEngine) and not engine.has_logits:
        raise ModelError(
            f"{card.label} has no signature logits, expected one to compute batches;"
            " export it with `fcn export`, or score with --device none"
        )
    return DeviceNetwork(card, engine, arithmetic)
