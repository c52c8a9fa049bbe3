"""The commands `fcn score` and `fcn replay`: settings -> a night -> its page.

Rooms are imported by the commands that need them, so that each pays only for itself.
"""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines import logs
from pipelines.cli.beam_flags import choose_engine, typed_command
from pipelines.cli.running import print_left, show_preview
from pipelines.score.config import ReplayConfig, ScoreConfig
from pipelines.score.unread import left_out_text, unread_text

if TYPE_CHECKING:
    from pipelines.runners.engine import Engine
    from pipelines.score.nights import Night


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
    from pipelines.score.pruned import nights_text
    from pipelines.score.replay import find_pruned, find_settings, plan_replay

    engine = choose_engine(
        beam,
        config,
        output=config.output,
        computing=find_settings(config) if beam else None,
    )
    if engine.dry_run:
        return show_preview(engine, as_json=config.json_output)
    command = typed_command("replay", arguments)
    if not config.json_output and (removed := find_pruned(config)):
        logs.say(nights_text(removed))
    return _finish_night(plan_replay(config), config, engine=engine, command=command)


def _finish_night(
    night: "Night",
    config: ScoreConfig | ReplayConfig,
    *,
    engine: "Engine",
    command: str,
) -> int:
    """Runs what is left of a night and prints what it came to."""
    from pipelines.nightly import night as nightly_night
    from pipelines.score import finish, terminal
    from pipelines.score.lanes import Device

    logs.add_context(run_date=night.plan.run_date, output=night.out)
    finished = finish.is_finished(night)
    if not config.json_output:
        _report_plan(night, finished=finished)
    if finished:
        summary = nightly_night.finished_before(night)
    else:
        work = nightly_night.Work(
            engine=engine,
            lanes=config.lanes,
            max_error_rate=config.max_error_rate,
            command=command,
            quiet=config.json_output,
            device=Device(config.device, config.gpu_batch),
        )
        job_id = nightly_night.run(night, work)
        if job_id is not None:
            as_json = config.json_output
            print_left(job_id, engine, output=night.out, as_json=as_json)
            if not as_json:
                print(f"watch   fcn status {shlex.quote(night.out)} --watch")
            return 0
        summary = nightly_night.summary_of(night)
    if config.json_output:
        print(summary.model_dump_json(indent=1))
    else:
        print("\n".join(terminal.closing_lines(night.folder, summary)))
    return 0


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
    logs.say(
        ", ".join(parts),
        "WARNING" if night.aside.unread else "INFO",
        event="planned",
        planned=planned,
        skipped=night.skipped,
        waiting=night.waiting,
    )
