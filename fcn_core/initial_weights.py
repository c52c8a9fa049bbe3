"""Where a run's first weights come from: nothing, a file, another run, a bundle."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import keras

from fcn_core import bundle_weights
from fcn_core.input_pipeline import Batch
from fcn_core.models import ModelSpec, describe_weights, load_weights, transfer
from fcn_core.models.regularisation import every_layer
from fcn_core.models.weights import WeightReport
from fcn_core.recipes import RANDOM
from fcn_core.run_folder import RUN_NAME, load_run

EVERY_LAYER: Final = "every layer"
"""Stands in a report for the names of all layers."""

_log = logging.getLogger(__name__)


def load_initial(
    model: keras.Model, spec: ModelSpec, init: str, *, classes: list[str] | None
) -> WeightReport:
    """Loads what the initial weights have and tells what they lack.

    Scores of classes with other names are new.

    Args:
        model: Changed in place.
        spec: What it is.
        init: `random`, a run folder, a bundle or a built-in model, or what
            `models.load_weights` takes.
        classes: Names of the data's classes.

    Raises:
        ModelError: The bundle is damaged.
        RunError: The run is not finished.
        WeightsError: The weights do not fit.
    """
    if (Path(init) / RUN_NAME).is_file():
        source, _, record = load_run(Path(init))
        same = record["settings"]["classes"] == classes
        report = transfer(source, model, same_classes=same)
    elif bundle_weights.is_bundle(init):
        same = bundle_weights.classes_of(init) == classes
        report = transfer(bundle_weights.load_bundle(init), model, same_classes=same)
    elif init == RANDOM:
        report = WeightReport(loaded=(), new=(EVERY_LAYER,))
    else:
        report = load_weights(model, spec, init)
    loaded, new = len(report.loaded), ", ".join(report.new) or "none"
    _log.info("initial weights %s: %d layers loaded, new: %s", init, loaded, new)
    return report


def measure_norms(model: keras.Model, batches: Iterable[Batch]) -> None:
    """Gives every batch norm of a network of random weights statistics to stand on.

    Norms that begin as the identity normalise nothing. Kept so, as recipes keep them,
    they let the signal die out: MobileNetV2's deepest features are then 1e-11 times
    its photos, and only biases learn.

    Args:
        model: Its norms are changed, each by what those before it let through.
        batches: Photos to measure; of these the first batch's of the first size.
    """
    norms = [
        layer
        for layer in every_layer(model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not norms:
        return
    first_piece, *_ = next(iter(batches))
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(keras.ops.cast(first_piece[0], "float32"), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def describe_initial(init: str) -> str:
    """Names initial weights without their folder, and what they are."""
    if bundle_weights.is_bundle(init):
        card = bundle_weights.card_of(init)
        return f"{card.label} {card.fingerprint[:16]}"
    return describe_weights(init)
