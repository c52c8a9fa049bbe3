"""Where a run's first weights come from: nothing, a file, another run."""

import logging
from pathlib import Path

import keras

from fcn_core.models import ModelSpec, load_weights, transfer
from fcn_core.models.weights import WeightReport
from fcn_core.recipes import RANDOM
from fcn_core.run_folder import RUN_NAME, load_run

_log = logging.getLogger(__name__)


def load_initial(model: keras.Model, spec: ModelSpec, init: str) -> WeightReport:
    """Loads what the initial weights have and tells what they lack.

    Args:
        model: Changed in place.
        spec: What it is.
        init: `random`, a run folder, or what `models.load_weights` takes.

    Raises:
        RunError: The run is not finished.
        WeightsError: The weights do not fit.
    """
    if (Path(init) / RUN_NAME).is_file():
        source, _, _ = load_run(Path(init))
        report = transfer(source, model)
    elif init == RANDOM:
        report = WeightReport(loaded=(), new=("every layer",))
    else:
        report = load_weights(model, spec, init)
    loaded, new = len(report.loaded), ", ".join(report.new) or "none"
    _log.info("initial weights %s: %d layers loaded, new: %s", init, loaded, new)
    return report
