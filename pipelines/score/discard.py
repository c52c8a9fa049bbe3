"""Giving a night up: its plan stays in the sequence, its photos are free."""

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import sequence
from pipelines.score.commit import Discard
from pipelines.score.plan import PlannedNight


def discard(night: PlannedNight) -> None:
    """Frees the items of a plan: it no longer counts, and may be planned again.

    The verdict comes first: a publication at the same time loses to it, or it to that
    one. Then the folders go, and no late writer of this plan makes them again. Done
    again after a kill, it removes what is left.

    Raises:
        UsageError: The night is committed.
        SystemicFault: Its table is there without a commit.
    """
    sequence.check_commit(night)
    folder, plan = night.folder, night.plan
    verdict = Discard(
        run_date=plan.run_date, sequence=plan.sequence, plan_id=plan.plan_id
    ).identified()
    files.create_once(folder.commit, verdict.encode())
    if not isinstance(night.outcome(), Discard):
        raise UsageError(
            f"--run_date: got {plan.run_date}, expected an open night; a committed one "
            "stays"
        )
    folder.clear()
