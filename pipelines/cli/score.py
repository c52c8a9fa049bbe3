"""The commands `fcn score` and `fcn replay`: settings -> a night -> its page.

Rooms are imported by the commands that need them, so that each pays only for itself.
"""

import functools
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.beam_flags import choose_engine, typed_command
from pipelines.cli.running import print_left, run_job, show_preview
from pipelines.score.config import ReplayConfig, ScoreConfig
from pipelines.score.summary import Summary, read_summary
from pipelines.score.unread import left_out_text, unread_text

if TYPE_CHECKING:
    from pipelines.runners.engine import Engine
    from pipelines.score.nights import Night
    from pipelines.score.plan import PlannedNight


def score(arguments: Sequence[str]) -> int:
    """`fcn score`: photos -> masks, scores table, page."""
    config, beam = ScoreConfig.parse(arguments)
    engine = choose_engine(beam, config, output=config.output)
    if engine.dry_run:
        return show_preview(engine, as_json=config.json_output)
    from pipelines.score.nights import plan_night

    command = typed_command("score", arguments)
    return _finish_night(plan_night(config), config, engine=engine, command=command)


def replay(arguments: Sequence[str]) -> int:
    """`fcn replay`: the failed photos of all nights, as a night of its own."""
    config, beam = ReplayConfig.parse(arguments)
    from pipelines.score.replay import find_settings, plan_replay

    engine = choose_engine(
        beam,
        config,
        output=config.output,
        computing=find_settings(config) if beam else None,
    )
    if engine.dry_run:
        return show_preview(engine, as_json=config.json_output)
    command = typed_command("replay", arguments)
    return _finish_night(plan_replay(config), config, engine=engine, command=command)


def _finish_night(
    night: "Night",
    config: ScoreConfig | ReplayConfig,
    *,
    engine: "Engine",
    command: str,
) -> int:
    """Runs what is left of a night and prints what it came to."""
    from pipelines.score import finish, publish, terminal

    finished = finish.is_finished(night)
    if not config.json_output:
        _report_plan(night, finished=finished)
    if finished:
        publish.sweep(night)
        summary = _finished_before(night)
    else:
        job_id = _run_night(night, config, engine=engine, command=command)
        if job_id is not None:
            as_json = config.json_output
            print_left(job_id, engine, output=night.out, as_json=as_json)
            if not as_json:
                print(f"watch   fcn status {shlex.quote(night.out)} --watch")
            return 0
        with night.attempted():
            summary = read_summary(night.folder)
        finish.check_published(night, summary)
    if config.json_output:
        print(summary.model_dump_json(indent=1))
    else:
        print("\n".join(terminal.closing_lines(night.folder, summary)))
    return 0


def _finished_before(night: "Night") -> Summary:
    """Returns the summary of a night that has nothing left to do."""
    from pipelines import files
    from pipelines.score import finish

    if not files.size(night.folder.page):
        write_page(night.planned())
    with night.attempted():
        summary = read_summary(night.folder)
    finish.check_published(night, summary)
    # summary.json describes the night; what we print describes this command.
    skipped = night.skipped + night.plan.planned
    return summary.model_copy(
        update={"skipped": skipped, "waiting": night.waiting, "computed": 0}
    )


def _run_night(
    night: "Night",
    config: ScoreConfig | ReplayConfig,
    *,
    engine: "Engine",
    command: str,
) -> str | None:
    """Runs what is left of a night; returns the id of a job that goes on alone."""
    from pipelines.chunks.attempt import Attempt
    from pipelines.score import worker
    from pipelines.score.lanes import Device

    job = worker.job(
        night,
        lanes=config.lanes,
        max_error_rate=config.max_error_rate,
        command=command,
        device=Device(config.device, config.gpu_batch),
    ).followed_by(functools.partial(write_page, night.planned()))
    with Attempt() as attempt:
        return run_job(job, engine, attempt, quiet=config.json_output)


def write_page(night: "PlannedNight") -> None:
    """Writes the page of a finished night; the last step of its job."""
    from pipelines.pages import night as pages_night

    with night.attempted():
        pages_night.build(night.folder)


def _report_plan(night: "Night", *, finished: bool) -> None:
    planned = night.plan.planned
    parts = [f"run_date={night.plan.run_date}: {planned} planned"]
    if finished:
        parts = [f"run_date={night.plan.run_date}: all {planned} skipped (done before)"]
    if night.skipped:
        parts.append(f"{night.skipped} skipped (planned before)")
    if night.waiting:
        parts.append(f"{night.waiting} not in the plan wait for the next night")
    if night.aside.ignored:
        parts.append(f"{night.aside.ignored} files ignored (no photos by their names)")
    if night.aside.left_out:
        parts.append(left_out_text(night.aside.left_out))
    if places := night.aside.unread:
        parts.append(unread_text(places, len(places)))
    print(", ".join(parts), file=sys.stderr, flush=True)
