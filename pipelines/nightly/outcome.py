"""How one call of `fcn nightly` ended, as everybody who watches it learns it."""

from typing import Literal

from pipelines.chunks.frozen import Frozen
from pipelines.score.summary import Summary


class Outcome(Frozen):
    """The end of one night of one output.

    Attributes:
        output: Folder or gs:// prefix of the results.
        run_date: The night, YYYY-MM-DD.
        verdict: `success`: published; `failed`: a gate closed, nothing is published;
            `broken`: the work itself ended with a fault and can be run again.
        exit_code: What the process will end with.
        reasons: One sentence for each gate that closed, or the fault; empty on success.
        summary: The night in numbers; None where it broke before there were any.
        recovered: A success right after a night of this output that was none.
    """

    output: str
    run_date: str
    verdict: Literal["success", "failed", "broken"]
    exit_code: int
    reasons: tuple[str, ...] = ()
    summary: Summary | None = None
    recovered: bool = False
