"""The engine that Beam's flags name: are they valid, and does it answer?"""

from collections.abc import Sequence

from pipelines.doctor.config import DoctorConfig
from pipelines.doctor.finding import Finding


def check_flags(config: DoctorConfig, beam: Sequence[str]) -> None:
    """Refuses flags that neither the command nor Beam knows.

    Raises:
        UsageError: It names the flag and the nearest one.
    """
    from pipelines.runners import flags

    flags.check_flags(beam, ours=type(config).flags())


def check_engine(config: DoctorConfig, beam: Sequence[str]) -> Finding:
    """Checks flags of Beam as a job would, and that what they name answers.

    Args:
        config: The command.
        beam: Flags that it does not know.

    Raises:
        JobFault: The flags do not fit, or a server does not answer.
    """
    from pipelines.runners import engines
    from pipelines.runners.engine import Command

    command = Command(
        config.output or "", config.engine, config.precision, config.instruction_set
    )
    engine = engines.choose(beam, command)
    where = "other machines" if engine.is_remote else "this machine"
    return Finding(
        "ok", "engine", f"{engine.name}, workers on {where}; flags are valid"
    )
