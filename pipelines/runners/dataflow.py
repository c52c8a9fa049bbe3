"""A job for Dataflow: Beam's flags, checked and completed.

The rules are in `dataflow_places`, `dataflow_code`, `dataflow_workers` and
`dataflow_gpus`. What this project needs is added where the person left it open; what
contradicts it is refused, never replaced.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from apache_beam.options.pipeline_options import (
    PipelineOptions,
    StandardOptions,
    TestOptions,
)

from pipelines.faults import UsageError
from pipelines.runners import dataflow_code, dataflow_places, dataflow_workers
from pipelines.runners.dataflow_gpus import ONE_PROCESS
from pipelines.runners.dataflow_outcome import fault_of
from pipelines.runners.dataflow_request import Request, refused
from pipelines.runners.engine import Command, Engine

_RULES: Final = (
    *dataflow_code.RULES,
    *dataflow_places.RULES,
    *dataflow_workers.RULES,
)
_THREADS: Final = 2
"""Streams of chunks in a process: one fills the lanes while the other one ends."""

_GPU_DISK_GB: Final = 50
"""Room for an image with CUDA; Dataflow's own default has 25."""


def options(
    arguments: Sequence[str],
    *,
    output: str,
    engine: str | None,
    precision: str | None,
    instruction_set: str | None = None,
) -> PipelineOptions:
    """Returns Beam's options for a job on Dataflow.

    Args:
        arguments: Beam's flags, known ones with values of their types (see
            `flags.check_flags`).
        output: Where the job writes.
        engine: Of the job's setting `--engine`; None for a job without a model.
        precision: Of the job's setting `--precision`; None for a job without a model.
        instruction_set: Of the job's setting `--instruction_set`; likewise.

    Raises:
        UsageError: Dataflow would refuse the job, or it could not do what it is for;
            the line names the rule. Or the packages for Dataflow are not installed.
    """
    _check_installed()
    given = PipelineOptions(list(arguments))
    request = Request(
        given.get_all_options(), output, engine, precision, instruction_set
    )
    dry = _is_dry_run(request)
    for rule in _RULES:
        rule(request)
    completed = PipelineOptions([*arguments, *_additions(request)])
    completed.view_as(TestOptions).dry_run = dry
    return completed


def choose(arguments: Sequence[str], command: Command) -> Engine:
    """Returns Dataflow as an engine, see `options`."""
    made = options(
        arguments,
        output=command.output,
        engine=command.engine,
        precision=command.precision,
        instruction_set=command.instruction_set,
    )
    return Engine(
        "DataflowRunner",
        made,
        is_remote=True,
        waits=not made.view_as(StandardOptions).no_wait_until_finish,
        dry_run=bool(made.view_as(TestOptions).dry_run),
        fault_of=fault_of,
    )


def _check_installed() -> None:
    try:
        import google.cloud.dataflow
        import google.cloud.storage  # noqa: F401 - only whether they are there
    except ImportError as error:
        raise UsageError(
            f"DataflowRunner: got no module {error.name}, expected the packages for "
            "Google Cloud; pip install 'fcn[gcp]'"
        ) from error


def _is_dry_run(request: Request) -> bool:
    """Returns what `--dry_run` says; Beam takes any text for yes."""
    value = request.flags["dry_run"]
    words = {"true": True, "false": False}
    if str(value).lower() not in words:
        raise refused("--dry_run", value, "true or false")
    return words[str(value).lower()]


def _additions(request: Request) -> Iterator[str]:
    """Yields what the person left open, as flags."""
    flags = request.flags
    yield "--runner=DataflowRunner"
    yield "--no_save_main_session"  # Beam would save one by default here
    if ONE_PROCESS not in request.experiments:
        yield f"--experiments={ONE_PROCESS}"
    if flags["sdk_container_image"] is not None:
        yield "--sdk_location=container"
    if request.is_template_launch:  # the job starts when the launcher is gone
        yield "--no_wait_until_finish"
    if flags["temp_location"] is None:  # only where the service is a stand-in
        yield f"--temp_location={flags['staging_location']}"
    if flags["staging_location"] is None:
        yield f"--staging_location={flags['temp_location']}"
    if flags["autoscaling_algorithm"] is None:
        yield "--autoscaling_algorithm=THROUGHPUT_BASED"
    if flags["max_num_workers"] is None:
        yield f"--max_num_workers={flags['num_workers']}"
    if flags["number_of_worker_harness_threads"] is None:
        yield f"--number_of_worker_harness_threads={_THREADS}"
    if flags["disk_size_gb"] is None and request.accelerator is not None:
        yield f"--disk_size_gb={_GPU_DISK_GB}"
