"""One call of `fcn nightly` on one output: older nights first, then those asked for."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines import files
from pipelines.chunks.finish import read_refusal
from pipelines.faults import AboveThreshold, Interrupted, JobFault, of_limits, of_system
from pipelines.nightly import dated, history, night
from pipelines.nightly.job import DAY, Job
from pipelines.nightly.night import Work
from pipelines.nightly.outcome import Outcome
from pipelines.nightly.spans import Span
from pipelines.runners.engine import LOCAL, Engine
from pipelines.score import canaries, finish, nights, publish, sequence
from pipelines.score.gate_settings import Acceptance
from pipelines.score.gates import GatesClosed, Policy
from pipelines.score.lanes import Device
from pipelines.score.nights import Night, Order
from pipelines.score.plan import PlannedNight
from pipelines.score.summary import Summary, find_summary
from pipelines.score.unread import unread_text

_SHARED: Final = (1, 2)
"""Exit codes of faults that the next night of a backfill would meet, too."""

_RECENT: Final = 10
"""Plans whose results are looked at, whether they are all there."""

Act = Callable[[], Summary | None]
"""Runs a night; returns its summary, None where its job goes on alone."""


@dataclass(frozen=True)
class Call:
    """What a call does with every job.

    Attributes:
        engine_of: Returns where a job runs, given what says its arithmetic.
        command: What the person typed.
        accepted: Who publishes the nights asked for whatever their gates find.
        rescore: Whether what other models scored is scored again.
        quiet: Show no progress.
        say: Prints a line for people.
    """

    engine_of: Callable[[Job, object], Engine]
    command: str
    say: Callable[[str], None]
    accepted: Acceptance | None = None
    rescore: bool = False
    quiet: bool = False


def run(job: Job, wanted: Sequence[Span], call: Call) -> Iterator[Outcome]:
    """Runs the nights of a job; yields how each ended.

    It stops after an interruption, and where all nights of a backfill would meet the
    same fault.

    Args:
        job: The job.
        wanted: The nights that are asked for, the oldest first.
        call: The call.
    """
    acting = _Acting(job, call)
    for run_date, act in acting.acts(wanted):
        outcome = acting.attempt(run_date, act)
        if outcome is None:
            continue
        yield outcome
        is_shared = len(wanted) > 1 and outcome.exit_code in _SHARED
        if is_shared or outcome.exit_code == Interrupted.exit_code:
            return


class _Acting:
    """A job under way."""

    def __init__(self, job: Job, call: Call):
        self._job, self._call = job, call
        self._out = files.to_uri(job.output)

    def acts(self, wanted: Sequence[Span]) -> Iterator[tuple[str, Act]]:
        """Yields nights and what runs them: open ones of earlier calls, then others."""
        asked = {span.name for span in wanted}
        try:
            older = self._open_nights()
        except (JobFault, OSError):
            older = []  # the night asked for meets the same, and reports it
        for run_date in older:
            if run_date not in asked:
                yield run_date, functools.partial(self._finish_older, run_date)
        for span in wanted:
            yield span.name, functools.partial(self._run_span, span)

    def _open_nights(self) -> list[str]:
        """Returns the nights of earlier calls that go on, in their sequence."""
        found = []
        plans = [p for p in sequence.read_all(self._out) if p.kind == "score"]
        for plan in plans:
            planned = PlannedNight(self._out, plan)
            if planned.outcome() is not None:
                # A call that was killed on its last steps is among the last ones.
                if plan in plans[-_RECENT:] and not _is_shown(planned):
                    found.append(plan.run_date)
                continue
            refusal = read_refusal(planned.folder.refusal)
            if refusal is not None and len(planned.parts.chunks()) >= plan.chunks:
                self._call.say(
                    f"run_date={plan.run_date} waits for a person: {refusal.why}; pass "
                    f"--accept REASON --run_date {plan.run_date}, or fcn discard it"
                )
            else:
                found.append(plan.run_date)
        return found

    def attempt(self, run_date: str, act: Act) -> Outcome | None:
        """Runs a night; returns how it ended, None where its job goes on alone."""
        before = history.last(self._out)
        try:
            summary = act()
        except (Exception, KeyboardInterrupt) as error:
            outcome = self._outcome_of(run_date, _fault_of(error))
        else:
            if summary is None:
                return None
            outcome = Outcome(
                output=self._out,
                run_date=run_date,
                verdict="success",
                exit_code=0,
                summary=summary,
                recovered=before is not None and before.verdict != "success",
            )
        history.note(self._out, outcome)
        return outcome

    def _outcome_of(self, run_date: str, fault: JobFault) -> Outcome:
        is_verdict = isinstance(fault, AboveThreshold)
        reasons: tuple[str, ...] = (str(fault),)
        summary = None
        if isinstance(fault, GatesClosed):
            reasons = fault.reasons
        elif is_verdict:
            reasons = self._refusal(run_date) or reasons
            summary = self._failed_summary(run_date)
        return Outcome(
            output=self._out,
            run_date=run_date,
            verdict="failed" if is_verdict else "broken",
            exit_code=fault.exit_code,
            reasons=reasons,
            summary=summary,
        )

    def _find(self, run_date: str) -> PlannedNight | None:
        plan = sequence.find(sequence.read_all(self._out), run_date)
        return None if plan is None else PlannedNight(self._out, plan)

    def _refusal(self, run_date: str) -> tuple[str, ...]:
        """Returns why a night is refused, as it keeps it."""
        planned = self._find(run_date)
        found = None if planned is None else read_refusal(planned.folder.refusal)
        return () if found is None else found.reasons or (found.why,)

    def _failed_summary(self, run_date: str) -> Summary | None:
        planned = self._find(run_date)
        found = None if planned is None else find_summary(planned.folder)
        return found if found is not None and found.verdict == "failed" else None

    def _finish_older(self, run_date: str) -> Summary | None:
        """Finishes a night as it was planned, whatever the file says by now."""
        planned = nights.find_night(self._out, run_date, durable=self._durable)
        if planned is None:
            return None  # discarded since
        self._call.say(f"run_date={run_date}: an earlier call left it, going on")
        return self._run(planned, accepted=None)

    def _run_span(self, span: Span) -> Summary | None:
        planned = self._planned(span)
        if finish.is_finished(planned):
            self._call.say(f"run_date={span.name}: done before, nothing is left to do")
            return night.finished_before(planned)
        self._call.say(_planned_text(planned))
        return self._run(planned, accepted=self._call.accepted)

    def _planned(self, span: Span) -> Night:
        """Returns the night's plan: the one that is there, or a new one."""
        planned = nights.find_night(self._out, span.name, durable=self._durable)
        is_decided = planned is not None and planned.commit() is not None
        if planned is not None and (is_decided or self._call.accepted is not None):
            return planned  # what it holds is decided: no listing is needed
        config = self._job.score_config(span.run_date, rescore=self._call.rescore)
        texts, exclude = self._job.input, config.exclude
        listing = functools.partial(
            dated.list_days, texts, span.days, output=self._out, exclude=exclude
        )
        policy = Policy(self._job.gates, self._call.accepted, any_size=span.is_backfill)
        order = Order(policy, listing, dated.name_of(texts))
        return nights.plan_night(config, order)

    @property
    def _durable(self) -> bool:
        return bool(self._job.settings.get("durable", True))

    def _run(self, planned: Night, *, accepted: Acceptance | None) -> Summary | None:
        job, call = self._job, self._call
        settings = planned.plan.settings
        is_complete = len(planned.parts.chunks()) >= planned.plan.chunks
        # Nothing is left to compute where all parts are there: it ends here.
        engine = LOCAL if is_complete else call.engine_of(job, settings)
        config = job.score_config(DAY)
        work = Work(
            engine=engine,
            lanes=config.lanes,
            max_error_rate=config.max_error_rate,
            command=call.command,
            quiet=call.quiet,
            check=None if accepted is not None else self._check(planned),
            device=Device(config.device, config.gpu_batch),
            accepted=accepted,
        )
        job_id = night.run(planned, work)
        if job_id is not None:
            call.say(
                f"run_date={planned.plan.run_date}: job {job_id} goes on at "
                f"{engine.name}; watch it with fcn status {planned.out} --watch"
            )
            return None
        return night.summary_of(planned)

    def _check(self, planned: Night) -> canaries.Check | None:
        """Returns the check of canaries, if there are any."""
        if self._job.canaries is None or not planned.plan.planned:
            return None
        return canaries.Check(
            canaries.load(self._job.canaries),
            planned.class_names,
            self._job.gates,
        )


def _is_shown(planned: PlannedNight) -> bool:
    """Whether a committed night has its table, summary and page, by their names."""
    commit, folder = planned.commit(), planned.folder
    return (
        commit is not None
        and publish.is_shown(planned, commit)
        and find_summary(folder) is not None
        and bool(files.size(folder.page))
    )


def _planned_text(planned: Night) -> str:
    """Returns what a night takes, and what it does not, in one line."""
    plan, aside = planned.plan, planned.aside
    text = f"run_date={plan.run_date}: {plan.planned} planned"
    if planned.skipped:
        text += f", {planned.skipped} skipped (planned before)"
    if planned.waiting:
        text += f", {planned.waiting} wait for the next night"
    if aside.unread:
        text += f", {unread_text(aside.unread, len(aside.unread))}"
    return text


def _fault_of(error: BaseException) -> JobFault:
    """Returns the fault of an error; what is a fault of the program goes on.

    Raises:
        BaseException: It is one.
    """
    if isinstance(error, JobFault):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("interrupted; run the same command again to go on")
    if isinstance(error, OSError):
        return of_system(error)
    if isinstance(error, MemoryError | RuntimeError):
        limit = of_limits(error)
        if limit is not None:
            return limit
    raise error
