"""How a night of scoring ends: counts checked, gates passed, table and summary out."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from pipelines import files
from pipelines.chunks import gates
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.faults import AboveThreshold, SystemicFault
from pipelines.score import commit, layout, parts, publish
from pipelines.score.layout import failed_uri, summary_uri
from pipelines.score.nights import Night
from pipelines.score.plan import check_kept
from pipelines.score.summary import read_summary


@dataclass(frozen=True)
class Finish:
    """Commits a night and derives what people look at.

    Attributes:
        night: The night.
        max_error_rate: Largest share of failed photos of a published night.
        command: What the person typed.
        started: When, seconds since the epoch.
    """

    night: Night
    max_error_rate: float
    command: str
    started: float = field(default_factory=time.time)

    def __call__(self, counts: Counts, _attempt: Attempt) -> None:
        """Checks that the counts add up, passes the gates, commits."""
        night, plan = self.night, self.night.plan
        check_kept(night.out, plan)
        if counts.ok + counts.failed != plan.planned:
            raise SystemicFault(
                f"got {counts.ok} ok + {counts.failed} failed, expected {plan.planned} "
                "as planned; nothing is published"
            )
        totals = parts.total(night.out, plan)
        why = gates.check(
            planned=plan.planned,
            failed=totals.failed,
            max_error_rate=self.max_error_rate,
        )
        if commit.read_commit(night.out, plan.run_date) is not None:
            why = None  # it was good enough for the attempt that committed it
        if why is None:
            publish.publish(night.out, plan, totals)
            publish.sweep(night.out, plan)
            files.remove(failed_uri(night.out, night.plan.run_date))
        else:
            said = {"why": why, "failures": totals.failures}
            files.write_atomically(
                failed_uri(night.out, night.plan.run_date), _json(said)
            )
        self._summarise(totals, counts, why)

    def _summarise(self, totals: parts.Totals, counts: Counts, why: str | None) -> None:
        """Writes `summary.json`; the one of the attempt that published stays."""
        before = read_summary(self.night)
        if before is not None and before["verdict"] == "success":
            return
        night, plan, settings = self.night, self.night.plan, self.night.plan.settings
        seconds = max(time.time() - self.started, 1e-3)
        summary = {
            "run_date": plan.run_date,
            "kind": plan.kind,
            "verdict": "success" if why is None else "failed",
            "why": why,
            "planned": plan.planned,
            "ok": totals.ok,
            "failed": totals.failed,
            "skipped": night.skipped,
            "waiting": night.waiting,
            "ignored": night.ignored,
            "failures": totals.failures,
            "computed": counts.computed,
            "seconds": round(seconds, 3),
            "images_per_second": round(counts.computed / seconds, 2),
            "engine": settings["engine"],
            "precision": settings["precision"],
            "instruction_set": settings["instruction_set"],
            "fingerprint": plan.fingerprint,
            "models": [part for model in night.models for part in model.described()],
            "command": self.command,
            "output": night.out,
        }
        files.write_atomically(
            summary_uri(night.out, night.plan.run_date), _json(summary)
        )


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def is_finished(night: Night) -> bool:
    """Tells whether a night is committed and its results are all in place."""
    out, run_date = night.out, night.plan.run_date
    summary = read_summary(night)
    return (
        commit.read_commit(out, run_date) is not None
        and files.exists(files.join(layout.scores_folder(out, run_date), "_SUCCESS"))
        and summary is not None
        and summary["verdict"] == "success"
    )


def check_published(night: Night, summary: dict[str, Any]) -> None:
    """Raises where a finished night is above its threshold.

    Raises:
        AboveThreshold: it is not published, and why.
    """
    if summary["verdict"] != "success":
        raise AboveThreshold(
            f"run_date={night.plan.run_date} is not published: {summary['why']}; look "
            f"at {layout.page_uri(night.out, night.plan.run_date)}, then pass a "
            "higher --max_error_rate to the same command, or fcn discard the night"
        )
