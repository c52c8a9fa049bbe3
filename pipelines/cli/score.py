"""The commands `fcn score` and `fcn replay`: settings -> a night -> its page.

Rooms are imported by the commands that need them, so that each pays only for itself.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.beam_flags import check_beam_flags, typed_command
from pipelines.score.config import ReplayConfig, ScoreConfig

if TYPE_CHECKING:
    from pipelines.score.nights import Night
    from pipelines.score.summary import Summary


def score(arguments: Sequence[str]) -> int:
    """`fcn score`: photos -> masks, scores table, page."""
    config, beam = ScoreConfig.parse(arguments)
    check_beam_flags(beam, config)
    from pipelines.score.nights import plan_night

    command = typed_command("score", arguments)
    return _finish_night(plan_night(config), config, beam=beam, command=command)


def replay(arguments: Sequence[str]) -> int:
    """`fcn replay`: the failed photos of all nights, as a night of its own."""
    config, beam = ReplayConfig.parse(arguments)
    check_beam_flags(beam, config)
    from pipelines.score.replay import plan_replay

    command = typed_command("replay", arguments)
    return _finish_night(plan_replay(config), config, beam=beam, command=command)


def _finish_night(
    night: "Night",
    config: ScoreConfig | ReplayConfig,
    *,
    beam: Sequence[str],
    command: str,
) -> int:
    """Runs what is left of a night, writes its page and prints what it came to."""
    from pipelines.score import terminal

    summary = _run_night(night, config, beam=beam, command=command)
    if config.json_output:
        print(summary.model_dump_json(indent=1))
    else:
        print("\n".join(terminal.closing_lines(night.folder, summary)))
    return 0


def _run_night(
    night: "Night",
    config: ScoreConfig | ReplayConfig,
    *,
    beam: Sequence[str],
    command: str,
) -> "Summary":
    from pipelines import files
    from pipelines.chunks import progress
    from pipelines.chunks.attempt import Attempt
    from pipelines.pages import night as pages_night
    from pipelines.runners import launch
    from pipelines.score import finish, publish, worker
    from pipelines.score.summary import read_summary

    finished, quiet = finish.is_finished(night), config.json_output
    if not quiet:
        _report_plan(night, finished=finished)
    if not finished:
        job = worker.job(
            night,
            lanes=config.lanes,
            max_error_rate=config.max_error_rate,
            command=command,
        )
        with (
            Attempt() as attempt,
            progress.show(attempt.tally, night.plan.planned, quiet=quiet),
        ):
            launch.run(job, beam, attempt)
    if finished:
        publish.sweep(night)
    with night.attempted():
        if not finished or not files.size(night.folder.page):
            pages_night.build(night.folder)
        summary = read_summary(night.folder)
    finish.check_published(night, summary)
    if not finished:
        return summary
    # summary.json describes the night; what we print describes this command.
    skipped = night.skipped + night.plan.planned
    return summary.model_copy(
        update={"skipped": skipped, "waiting": night.waiting, "computed": 0}
    )


def _report_plan(night: "Night", *, finished: bool) -> None:
    planned = night.plan.planned
    parts = [f"run_date={night.plan.run_date}: {planned} planned"]
    if finished:
        parts = [f"run_date={night.plan.run_date}: all {planned} skipped (done before)"]
    if night.skipped:
        parts.append(f"{night.skipped} skipped (planned before)")
    if night.waiting:
        parts.append(f"{night.waiting} not in the plan wait for the next night")
    if night.ignored:
        parts.append(f"{night.ignored} files ignored (no photos by their names)")
    print(", ".join(parts), file=sys.stderr, flush=True)
