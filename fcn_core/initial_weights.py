"""Where a run's first weights come from: nothing, a file, another run, a bundle."""

import logging
from pathlib import Path

import keras

from fcn_core import bundle_weights
from fcn_core.models import ModelSpec, describe_weights, load_weights, transfer
from fcn_core.models.weights import WeightReport
from fcn_core.recipes import RANDOM
from fcn_core.run_folder import RUN_NAME, load_run

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
        report = WeightReport(loaded=(), new=("every layer",))
    else:
        report = load_weights(model, spec, init)
    loaded, new = len(report.loaded), ", ".join(report.new) or "none"
    _log.info("initial weights %s: %d layers loaded, new: %s", init, loaded, new)
    return report


def describe_initial(init: str) -> str:
    """Names initial weights without their folder, and what they are."""
    if bundle_weights.is_bundle(init):
        card = bundle_weights.card_of(init)
        return f"{card.label} {card.fingerprint[:16]}"
    return describe_weights(init)
