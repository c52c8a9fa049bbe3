"""How a night of scoring ends: gate passed, table, summary and masks in place."""

import time
from dataclasses import dataclass, field

from pipelines import files
from pipelines.chunks import gates
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import Ending, Refusal, reasons
from pipelines.chunks.gates import Gate
from pipelines.chunks.read_ahead import read_ahead
from pipelines.faults import AboveThreshold, SystemicFault
from pipelines.score import gates as score_gates
from pipelines.score import parts, publish
from pipelines.score.commit import Discard
from pipelines.score.gate_settings import Acceptance
from pipelines.score.nights import Night
from pipelines.score.parts import Totals
from pipelines.score.summary import ModelSummary, Summary, find_summary
from pipelines.score.unread import NAMED, unread_text


@dataclass(frozen=True)
class NightEnding(Ending[Totals]):
    """What is a night's own about its end.

    Attributes:
        max_error_rate: Largest share of failed photos of a published night.
        command: What the person typed.
        started: Seconds since the epoch.
        accepted: Who publishes the night whatever its gates have against it; None:
            nobody.
    """

    night: Night
    max_error_rate: float
    command: str
    started: float = field(default_factory=time.time)
    accepted: Acceptance | None = None

    def add_up(self) -> Totals:
        """Returns what the parts add up to."""
        with self.night.attempted():
            return parts.add_up(self.night)

    def refuse(self, total: Totals) -> Refusal | None:
        """Returns why the night must not be published; a committed one may."""
        if self.accepted is not None or self.night.commit() is not None:
            return None
        closed = tuple(gate.why for gate in self.judge(total) if gate.closed)
        if not closed:
            return None
        why, failures = "; ".join(closed), total.failures
        if self.night.plan.gates is None:
            return Refusal(why=why, failures=failures)
        return Refusal(why=why, failures=failures, reasons=closed)

    def judge(self, total: Totals) -> list[Gate]:
        """Returns what the gates find that have enough to go by."""
        found = [] if (failing := self._failing(total)) is None else [failing]
        return found + score_gates.after(self.night, total.statistics)

    def _failing(self, total: Totals) -> Gate | None:
        """Returns the gate on failures where it is closed."""
        why = gates.check(
            planned=self.night.plan.planned,
            failed=total.failed,
            max_error_rate=self.max_error_rate,
            unread=self.night.aside.folders,
            lost=self.night.aside.lost,
        )
        unread = self.night.aside.unread
        if why is not None and unread:
            why = f"{why}; {unread_text(unread, len(unread))}"
        if why is None:
            return None
        rate = total.failed / max(self.night.plan.planned, 1)
        limit = self.max_error_rate
        return Gate(name="error_rate", closed=True, got=rate, limit=limit, why=why)

    def _acceptance(self, total: Totals) -> Acceptance | None:
        """Returns who publishes the night in spite of its gates, and of which."""
        frozen = self.night.plan.gates
        begun = None if frozen is None else frozen.accepted
        accepted = self.accepted or begun
        if accepted is None:
            return None
        closed = [gate.why for gate in self.judge(total) if gate.closed]
        reasons = (*(begun.reasons if begun else ()), *closed)
        return accepted.model_copy(update={"reasons": reasons}) if reasons else None

    def publish(self, total: Totals, counts: Counts, attempt: Attempt) -> None:
        """Commits, shows the table, and writes the summary."""
        with self.night.attempted():
            publish.publish(self.night, total, accepted=self._acceptance(total))
            self.summarise(total, counts, why=None)
            publish.sweep(self.night)

    def record_refusal(self, total: Totals, refusal: Refusal, counts: Counts) -> None:
        """Writes the summary, which says why the night is not published."""
        try:
            with self.night.attempted():
                self.summarise(total, counts, why=refusal.why)
        except SystemicFault:
            if isinstance(self.night.outcome(), Discard):
                files.remove(self.night.folder.refusal)  # written beside the discard
            raise

    def summarise(self, total: Totals, counts: Counts, *, why: str | None) -> None:
        """Writes `summary.json`; the one of the attempt that published stays."""
        night, plan = self.night, self.night.plan
        before = find_summary(night.folder)
        if before is not None and before.verdict == "success":
            return
        seconds, per_second = counts.pace(self.started)
        judged, commit = self.judge(total), night.commit()
        summary = Summary(
            run_date=plan.run_date,
            kind=plan.kind,
            verdict="success" if why is None else "failed",
            why=why,
            planned=plan.planned,
            ok=total.ok,
            failed=total.failed,
            skipped=night.skipped,
            waiting=night.waiting,
            ignored=night.aside.ignored,
            left_out=dict(night.aside.left_out),
            unread=len(night.aside.unread),
            unread_places=tuple(night.aside.unread[:NAMED]),
            failures=total.failures,
            computed=counts.computed,
            seconds=seconds,
            images_per_second=per_second,
            engine=plan.settings.engine,
            precision=plan.settings.precision,
            instruction_set=plan.settings.instruction_set,
            fingerprint=plan.fingerprint,
            models=tuple(
                ModelSummary.of(part, each)
                for model, each in zip(night.models, night.arithmetics, strict=True)
                for part in model.card.parts
            ),
            command=self.command,
            output=night.out,
            reasons=tuple(gate.why for gate in judged if gate.closed),
            gates=tuple(judged),
            accepted=None if commit is None else commit.accepted,
        )
        uri = night.folder.summary
        files.write_atomically(uri, summary.encode(), durable=night.durable)


def is_finished(night: Night) -> bool:
    """Whether a night is committed and its results are all in place.

    Names and sizes are compared, which costs no reading; `fcn check` reads all.

    Raises:
        SystemicFault: A part or a mask of the committed night is damaged.
    """
    commit = night.commit()
    if commit is None:
        return False
    summary = find_summary(night.folder)

    def check(chunk: int) -> None:
        part = night.parts.committed(chunk, columns=["mask_path"])
        parts.check_masks(night, chunk, part)

    threads = files.parallel_reads(night.out)
    for _ in read_ahead(
        range(night.plan.chunks), check, threads=threads, depth=threads
    ):
        pass
    return (
        publish.is_shown(night, commit)
        and summary is not None
        and summary.verdict == "success"
    )


def check_published(night: Night, summary: Summary) -> None:
    """Refuses a finished night that is above its threshold.

    Raises:
        AboveThreshold: It is not published, and why.
    """
    if summary.verdict != "success":
        cure = "pass a higher --max_error_rate to the same command"
        if night.plan.gates is not None:
            cure = "pass --accept REASON to fcn nightly"
        raise AboveThreshold(
            f"run_date={night.plan.run_date} is not published: {summary.why}"
            f"{reasons(summary.failures)}; look "
            f"at {night.folder.page}, then {cure}, or fcn discard the night"
        )
