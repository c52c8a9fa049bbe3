"""Errors of the core as usage errors of a command."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fcn_core.bundles.card import ModelError
from fcn_core.records.dataset_info import DatasetError
from fcn_core.records.fields import RecordError
from fcn_core.records.tfrecord import FrameError
from pipelines.faults import JobFault, SystemicFault, UsageError
from pipelines.quiet_import import import_quietly


@contextmanager
def told_plainly() -> Iterator[None]:
    """Shows the core's own log, and turns its refusals into one line.

    Raises:
        UsageError: the core names what it cannot use.
        SystemicFault: The memory does not hold a batch.
    """
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    logging.getLogger("fcn_core").setLevel(logging.INFO)
    import_quietly("tensorflow")
    import tensorflow as tf

    from fcn_core.models.weights.assign import WeightsError
    from fcn_core.recipes.recipe import RecipeError
    from fcn_core.training.run_folder import RunError
    from fcn_core.training.trainer import TrainingError

    try:
        yield
    except (DatasetError, ModelError, RecipeError, RunError, WeightsError) as error:
        raise UsageError(str(error)) from error
    except (FrameError, RecordError) as error:
        raise UsageError(f"{error}; convert the data set again") from error
    except TrainingError as error:
        raise JobFault(str(error)) from error
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise SystemicFault(
            "out of memory, expected room for a batch; lower --batch_size, or raise "
            "--accumulate"
        ) from error
