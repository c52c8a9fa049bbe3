"""The fault that a worker raised, found in whatever an engine made of it."""

import re
from typing import Final

from pipelines.faults import JobFault

_FAULTS: Final = {fault.__name__: fault for fault in JobFault.__subclasses__()}
_RAISED: Final = re.compile(rf"\b({'|'.join(_FAULTS)}): (.*)")


def cause_of(error: BaseException) -> JobFault | None:
    """Returns the fault behind an error; None where no worker raised one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, JobFault):
            return _without_step(type(seen), str(seen))
        seen = seen.__cause__ or seen.__context__
    # From another process comes only text, and the worker's exception is the end of
    # the traceback in it.
    found = _RAISED.findall(str(error))
    if not found:
        return None
    name, message = found[-1]
    return _without_step(_FAULTS[name], message)


def _without_step(fault: type[JobFault], message: str) -> JobFault:
    """Returns a fault without the step's name that Beam appends to its message."""
    return fault(re.sub(r" \[while running .*\]$", "", message.split("\n")[0]))
