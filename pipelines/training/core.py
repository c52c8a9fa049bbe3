"""The core as a command runs it: its log for people, its errors with exit codes."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fcn_core.bundles.card import ModelError
from fcn_core.records.dataset_info import DatasetError
from fcn_core.records.fields import RecordError
from fcn_core.records.tfrecord import FrameError
from pipelines.faults import JobFault, SystemicFault, UsageError


def show_core_log() -> None:
    """Prints what the core logs to stderr, and warnings of everything else."""
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    logging.getLogger("fcn_core").setLevel(logging.INFO)


@contextmanager
def core_errors_as_usage_errors() -> Iterator[None]:
    """Turns refusals of the core into faults, which are one line each.

    Raises:
        UsageError: The core names what it cannot use.
        JobFault: Training failed.
        SystemicFault: A batch does not fit into memory.
    """
    try:
        yield
    except Exception as error:
        fault = _fault_of(error)
        if fault is None:
            raise
        raise fault from error


def _fault_of(error: Exception) -> JobFault | None:
    match error:
        case DatasetError() | ModelError():
            return UsageError(str(error))
        case FrameError() | RecordError():
            return UsageError(f"{error}; convert the data set again")
        case MemoryError():
            return _no_memory()
    if isinstance(error, JobFault) or "tensorflow" not in sys.modules:
        return None
    return _fault_of_training(error)


def _fault_of_training(error: Exception) -> JobFault | None:
    """Returns the fault of an error that only a process with TensorFlow can meet."""
    import tensorflow as tf

    from fcn_core.models.weights.assign import WeightsError
    from fcn_core.recipes.recipe import RecipeError
    from fcn_core.training.run_folder import RunError
    from fcn_core.training.trainer import TrainingError

    match error:
        case RecipeError() | RunError() | WeightsError():
            return UsageError(str(error))
        case TrainingError():
            return JobFault(str(error))
        case tf.errors.ResourceExhaustedError():
            return _no_memory()
    return None


def _no_memory() -> SystemicFault:
    return SystemicFault(
        "out of memory, expected room for a batch; lower --batch_size, or raise"
        " --accumulate"
    )
