"""The engines that `--runner` may name, and why others are refused."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from pipelines.faults import UsageError
from pipelines.runners import flink, local, portable
from pipelines.runners.engine import Command, Engine

_KNOWN: Final = ("FnApiRunner", "PortableRunner", "FlinkRunner", "DataflowRunner")

_REFUSED: Final = {
    "daskrunner": "which loses data: what workers yield at the end of a bundle is "
    "dropped",
    "sparkrunner": "on which nobody has proved that a job loses nothing",
    "rayrunner": "which Beam does not have",
    "prismrunner": "which downloads a server of its own when it starts",
    "portableprismrunner": "which downloads a server of its own when it starts",
    "interactiverunner": "which is for notebooks",
    "bundlebaseddirectrunner": "which Beam has given up",
    "renderrunner": "which draws a job and does not run it",
}
"""By its name in lower case: why a runner of Beam cannot run our jobs."""


def choose(arguments: Sequence[str], command: Command) -> Engine:
    """Returns the engine that Beam's flags name.

    Args:
        arguments: Flags of Beam, known ones.
        command: What is to run there.

    Raises:
        UsageError: It is not one of ours, a flag is missing, or flags do not fit.
        SystemicFault: It does not answer.
    """
    given = PipelineOptions(list(arguments)).view_as(StandardOptions).runner
    name = str(given or "FnApiRunner").rpartition(".")[2]
    chosen = _CHOICES.get(name.lower())
    if chosen is None:
        why = _REFUSED.get(name.lower())
        got = f"{name}, {why}," if why else f"{name},"
        raise UsageError(f"--runner: got {got} expected one of {', '.join(_KNOWN)}")
    return chosen(arguments, command)


def _choose_dataflow(arguments: Sequence[str], command: Command) -> Engine:
    # Its packages are an extra, and take a second to load.
    from pipelines.runners import dataflow

    return dataflow.choose(arguments, command)


_CHOICES: Final[Mapping[str, Callable[[Sequence[str], Command], Engine]]] = {
    "fnapirunner": local.choose,
    "directrunner": local.choose,
    "portablerunner": portable.choose,
    "flinkrunner": flink.choose,
    "dataflowrunner": _choose_dataflow,
}
"""By its name in lower case, as Beam takes it: what checks its flags."""
