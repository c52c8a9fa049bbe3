"""A command's flags, ours and Beam's, checked before anything is done."""

import shlex
from collections.abc import Sequence

from pipelines import settings


def typed_command(command: str, arguments: Sequence[str]) -> str:
    """Returns the command as the person typed it."""
    return shlex.join(["fcn", command, *arguments])


def check_beam_flags(beam: Sequence[str], config: settings.JobConfig) -> None:
    """Refuses flags that neither the command nor Beam knows, and other runners.

    Raises:
        UsageError: Names the flag and the nearest one.
    """
    if beam:
        from pipelines.runners import flags

        flags.check_flags(beam, ours=type(config).flags())
        flags.local_options(beam)
