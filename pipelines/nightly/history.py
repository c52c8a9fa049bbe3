"""How the last call of `fcn nightly` on an output ended: one small file in it."""

import contextlib
from typing import Literal

from pipelines import files
from pipelines.chunks.frozen import Frozen
from pipelines.faults import JobFault
from pipelines.nightly.outcome import Outcome
from pipelines.score.layout import plans_folder


class LastCall(Frozen):
    """The end of the last night that was tried.

    Attributes:
        run_date: The night.
        verdict: As in `Outcome`.
    """

    run_date: str
    verdict: Literal["success", "failed", "broken"]


def _uri(out: str) -> str:
    return files.join(out, "_runs", "nightly.json")


def last(out: str) -> LastCall | None:
    """Returns how the last night of an output ended; None where nobody knows."""
    try:
        return LastCall.model_validate_json(files.read_bytes(_uri(out)))
    except (OSError, ValueError, JobFault):
        return None


def note(out: str, outcome: Outcome) -> None:
    """Keeps how a night ended, if the output is there and can be written."""
    # A fault is being reported already where it cannot, and it is only for a word.
    call = LastCall(run_date=outcome.run_date, verdict=outcome.verdict)
    with contextlib.suppress(OSError, JobFault):
        if not files.exists(plans_folder(out)):
            return  # refused at once: a refused command leaves nothing behind
        files.write_atomically(_uri(out), call.encode(), durable=False)
