"""The portable engine: a Beam job server runs the job, or one inside the launcher.

`--job_endpoint=embed` is Beam's own small job server in this process; with a worker
pool beside it, it is the nearest to a cluster that needs nothing but Python.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from apache_beam.options.pipeline_options import (
    PipelineOptions,
    PortableOptions,
    SetupOptions,
    StandardOptions,
)

from pipelines.faults import UsageError
from pipelines.runners import endpoints
from pipelines.runners.engine import Command, Engine

_EMBEDDED: Final = "embed"
_POOL: Final = "python -m pipelines.runners.worker_pool"
_START_POOL: Final = f"start it with {_POOL} --port PORT"
_KINDS: Final = (
    "EXTERNAL with --environment_config=localhost:50000 (a worker pool that runs "
    "already), DOCKER with an image, PROCESS with a command, or LOOPBACK"
)


def choose(arguments: Sequence[str], command: Command) -> Engine:
    """Returns a job server as an engine, checked as far as the launcher can.

    Raises:
        UsageError: A flag is missing, or flags do not fit.
        SystemicFault: The job server, or the pool beside an embedded one, is not there.
    """
    options = PipelineOptions(list(arguments))
    endpoint = options.view_as(PortableOptions).job_endpoint
    if not endpoint:
        raise UsageError(
            "--job_endpoint is missing, expected host:port of a Beam job server, or "
            f"{_EMBEDDED} for one inside this process; pass it with "
            "--runner=PortableRunner"
        )
    return at_job_server("PortableRunner", options, command)


def at_job_server(name: str, options: PipelineOptions, command: Command) -> Engine:
    """Returns the job server of `--job_endpoint` as an engine, see `choose`."""
    endpoint = options.view_as(PortableOptions).job_endpoint
    engine = with_workers(name, options, command)
    if endpoint == _EMBEDDED:
        _check_embedded(options, engine)
        return engine
    cure = "start it, or mend the address (docs/flink.md has both)"
    endpoints.check_job_server(endpoint, cure=cure)
    return engine


def with_workers(name: str, options: PipelineOptions, command: Command) -> Engine:
    """Returns an engine whose workers start as `--environment_type` says.

    Raises:
        UsageError: It is not said how, or they could not run the command.
    """
    kind = options.view_as(PortableOptions).environment_type
    if kind not in _CHECKS:
        got = f"got {kind}" if kind else "got nothing"
        raise UsageError(
            f"--environment_type: {got}, expected how workers start: {_KINDS}"
        )
    _CHECKS[kind](options)
    is_remote = kind != "LOOPBACK"
    waits = not options.view_as(StandardOptions).no_wait_until_finish
    if not waits and not is_remote:
        raise UsageError(
            "--no_wait_until_finish: got it with --environment_type=LOOPBACK, whose "
            "workers are in this process, expected workers that stay; leave one out"
        )
    if is_remote:
        check_arithmetic(command)
    return Engine(name, options, is_remote=is_remote, waits=waits)


def check_arithmetic(command: Command) -> None:
    """Refuses to choose for workers that the launcher does not know.

    Raises:
        UsageError: Engine or precision is `auto`.
    """
    for flag, value, expected in (
        ("--engine", command.engine, "openvino or tensorflow"),
        ("--precision", command.precision, "f32, bf16 or int8"),
    ):
        if value == "auto":
            raise UsageError(
                f"{flag}: got auto, expected {expected}: the launcher is not the "
                "worker and cannot know what it has; pass it"
            )


def _check_external(options: PipelineOptions) -> None:
    _pool_address(options)


def _pool_address(options: PipelineOptions) -> str:
    """Returns the address of the worker pool."""
    portable = options.view_as(PortableOptions)
    text = portable.environment_config or portable.lookup_environment_option(
        "external_service_address"
    )
    if text and str(text).lstrip().startswith("{"):
        text = _read_json(text).get("url")
    if not text:
        raise UsageError(
            "--environment_config is missing, expected host:port of a worker pool for "
            f"--environment_type=EXTERNAL; pass it, and {_START_POOL} on every host"
        )
    endpoints.parse("--environment_config", str(text))
    return str(text)


def _check_process(options: PipelineOptions) -> None:
    portable = options.view_as(PortableOptions)
    text = portable.environment_config
    command = portable.lookup_environment_option("process_command") or (
        text and _read_json(text).get("command")
    )
    if not command:
        raise UsageError(
            "--environment_config: got no command, expected "
            '{"command": "/opt/apache/beam/boot"} for --environment_type=PROCESS; '
            "pass it"
        )


def _read_json(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"--environment_config: got {text}, expected JSON; {error}"
        ) from error
    return found if isinstance(found, dict) else {}


def _check_docker(options: PipelineOptions) -> None:
    portable, setup = options.view_as(PortableOptions), options.view_as(SetupOptions)
    image = portable.environment_config or portable.lookup_environment_option(
        "docker_container_image"
    )
    if not (image or setup.setup_file or setup.extra_packages):
        raise UsageError(
            "--environment_config: got no image, expected one that has this package "
            "for --environment_type=DOCKER; pass it, or pass --setup_file or "
            "--extra_package, which install the package into Beam's own image"
        )


def _check_nothing(options: PipelineOptions) -> None:
    del options


_CHECKS: Final[Mapping[str, Callable[[PipelineOptions], None]]] = {
    "EXTERNAL": _check_external,
    "PROCESS": _check_process,
    "DOCKER": _check_docker,
    "LOOPBACK": _check_nothing,
}
"""Of each way in which workers start: what checks its flags."""


def _check_embedded(options: PipelineOptions, engine: Engine) -> None:
    if not engine.waits:
        raise UsageError(
            f"--no_wait_until_finish: got it with --job_endpoint={_EMBEDDED}, which "
            "ends with this process, expected a job server that stays; leave one out"
        )
    if options.view_as(PortableOptions).environment_type == "EXTERNAL":
        endpoints.check_answers(
            "--environment_config",
            _pool_address(options),
            expected="a worker pool of Beam",
            cure=_START_POOL,
        )
