"""Measures a bundle: how many weights it has, and how fast it runs here."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from fcn_core import geometry, libraries
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.scoring import scorers
from fcn_core.scoring.engines import IR_NAME

_SIDE: Final = 512
_ROUNDS: Final = 5


@dataclass(frozen=True)
class Facts:
    """Measured properties of a bundle.

    Attributes:
        parameters: Numbers in its weights; None where only TensorFlow could tell.
        engine: What was timed.
        ms_per_megapixel: One thread, float32, a photo of 512x512 or the smallest that
            the model accepts; the median of five runs.
        int8_ms_per_megapixel: The same in int8; None where the bundle lacks it.
    """

    parameters: int | None
    engine: str
    ms_per_megapixel: float
    int8_ms_per_megapixel: float | None = None


def measure(bundle: Path, *, engine: str = "auto") -> Facts:
    """Counts a bundle's weights and times it on this machine.

    Raises:
        ModelError: It does not run here.
    """
    scorer = scorers.load_scorer(str(bundle), engine, "f32")
    name = scorer.arithmetic.engine
    int8 = None
    if scorer.card.int8 is not None and name == "openvino":
        int8 = _milliseconds(scorers.load_scorer(str(bundle), name, "int8"))
    return Facts(
        parameters=count_parameters(bundle),
        engine=name,
        ms_per_megapixel=_milliseconds(scorer),
        int8_ms_per_megapixel=int8,
    )


def _milliseconds(scorer: scorers.Scorer) -> float:
    """Returns the time of a megapixel."""
    card = scorer.card
    size = geometry.round_up(
        (_SIDE, _SIDE), scorers.side_multiple(card), minimum=card.minimum_side
    )
    batch = np.full((1, *size, 3), 128, np.uint8)
    sizes = np.array([size], np.int32)
    scorer.score(batch, sizes)
    seconds = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        scorer.score(batch, sizes)
        seconds.append(time.perf_counter() - start)
    megapixels = size.height * size.width / 1e6
    return round(float(np.median(seconds)) * 1e3 / megapixels, 1)


def count_parameters(bundle: Path) -> int | None:
    """Counts the numbers in a bundle's weights.

    Batch norm is part of the convolution before it, so it adds none.

    Returns:
        None where the bundle has no OpenVINO form or openvino is not installed.

    Raises:
        ModelError: The bundle has no card, or openvino cannot read it.
    """
    ModelCard.read(bundle)
    try:
        openvino = libraries.import_openvino()
    except ImportError:
        return None
    if not (bundle / IR_NAME).is_file():
        return None
    try:
        network = openvino.Core().read_model(bundle / IR_NAME)
    except RuntimeError as error:
        raise ModelError(
            f"openvino cannot read {bundle / IR_NAME} ({str(error)[:100]}); export the "
            "model again"
        ) from None
    return sum(
        int(np.prod(operation.shape))
        for operation in network.get_ordered_ops()
        if operation.get_type_name() == "Constant"
        and operation.get_element_type() == openvino.Type.f32
        and len(operation.shape) > 0
    )
