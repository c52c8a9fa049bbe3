"""How a night of scoring ends: gate passed, table, summary and masks in place."""

import time
from dataclasses import dataclass, field

from pipelines import files
from pipelines.chunks import gates
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import Ending, Refusal, reasons
from pipelines.chunks.read_ahead import read_ahead
from pipelines.faults import AboveThreshold, SystemicFault
from pipelines.score import parts, publish
from pipelines.score.commit import Discard
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
    """

    night: Night
    max_error_rate: float
    command: str
    started: float = field(default_factory=time.time)

    def add_up(self) -> Totals:
        """Returns what the parts add up to."""
        with self.night.attempted():
            return parts.add_up(self.night)

    def refuse(self, total: Totals) -> Refusal | None:
        """Returns why the night must not be published; a committed one may."""
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
        if why is None or self.night.commit() is not None:
            return None
        return Refusal(why=why, failures=total.failures)

    def publish(self, total: Totals, counts: Counts, attempt: Attempt) -> None:
        """Commits, shows the table, and writes the summary."""
        with self.night.attempted():
            publish.publish(self.night, total)
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
        raise AboveThreshold(
            f"run_date={night.plan.run_date} is not published: {summary.why}"
            f"{reasons(summary.failures)}; look "
            f"at {night.folder.page}, then pass a higher --max_error_rate to the same "
            "command, or fcn discard the night"
        )
