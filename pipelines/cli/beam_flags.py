"""A command's flags, ours and Beam's, checked before anything is done."""

import shlex
from collections.abc import Sequence
from typing import Final

from pipelines import settings
from pipelines.faults import UsageError
from pipelines.runners.engine import LOCAL, Command, Engine

_ARITHMETIC: Final = ("engine", "precision", "instruction_set")


def typed_command(command: str, arguments: Sequence[str]) -> str:
    """Returns the command as the person typed it."""
    return shlex.join(["fcn", command, *arguments])


def choose_engine(
    beam: Sequence[str],
    config: settings.JobConfig,
    *,
    output: str,
    computing: object | None = None,
) -> Engine:
    """Returns where the command's job is to run.

    Args:
        beam: Flags that the command does not know.
        config: Its settings.
        output: Where its results go.
        computing: What says `engine`, `precision` and `instruction_set`, where its
            settings do not.

    Raises:
        UsageError: A flag is unknown (it names the nearest one), or does not fit.
        SystemicFault: What the flags name does not answer.
    """
    if not beam:
        return LOCAL
    from pipelines.runners import engines, flags

    flags.check_flags(beam, ours=type(config).flags())
    named = (getattr(computing or config, each, None) for each in _ARITHMETIC)
    return engines.choose(beam, Command(output, *named))


def check_here(engine: Engine, command: str) -> None:
    """Refuses to run elsewhere what is to run on this machine.

    Raises:
        UsageError: The engine's workers are elsewhere.
    """
    if engine.is_remote:
        raise UsageError(
            f"{command}: got {engine.name}, expected no other machine: this command "
            "runs here; leave its flags out"
        )
