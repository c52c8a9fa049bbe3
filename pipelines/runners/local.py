"""The local engine: Beam's `FnApiRunner`, with its workers in the launcher.

The plain `DirectRunner` of this Beam version first tries to download another engine, so
that word is taken to mean `FnApiRunner`.
"""

from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.runners.engine import LOCAL, Command, Engine


def options(arguments: Sequence[str] = ()) -> PipelineOptions:
    """Returns Beam's options for a local run."""
    return PipelineOptions([*arguments, "--runner=FnApiRunner"])


def choose(arguments: Sequence[str], command: Command) -> Engine:
    """Returns the local engine; every command fits."""
    del command
    return Engine(LOCAL.name, options(arguments))
