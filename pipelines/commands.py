"""What each `fcn` command does: settings -> one job -> a few lines for the person.

Every import of a room is inside the command that needs it, so that each command pays
for itself only.
"""

import json
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines import config as configs
from pipelines.faults import SystemicFault, UsageError

if TYPE_CHECKING:
    from pipelines.nights import Night


def score(arguments: Sequence[str]) -> int:
    """`fcn score`: photos -> masks, scores table, page."""
    config, beam = configs.ScoreConfig.parse(arguments)
    _check_beam(beam, config)
    from pipelines import nights

    night = nights.plan_night(config)
    summary = _run_night(
        night,
        beam=beam,
        lanes=config.lanes,
        max_error_rate=config.max_error_rate,
        command=_typed("score", arguments),
        quiet=config.json_output,
    )
    return _tell_night(night, summary, as_json=config.json_output)


def replay(arguments: Sequence[str]) -> int:
    """`fcn replay`: the failed photos of all nights, as a night of its own."""
    config, beam = configs.ReplayConfig.parse(arguments)
    _check_beam(beam, config)
    from pipelines import nights

    night = nights.plan_replay(config)
    summary = _run_night(
        night,
        beam=beam,
        lanes=config.lanes,
        max_error_rate=config.max_error_rate,
        command=_typed("replay", arguments),
        quiet=config.json_output,
    )
    return _tell_night(night, summary, as_json=config.json_output)


def _typed(command: str, arguments: Sequence[str]) -> str:
    return shlex.join(["fcn", command, *arguments])


def _check_beam(beam: Sequence[str], config: configs.JobConfig) -> None:
    if beam:
        from pipelines import launch

        launch.check_flags(beam, ours=type(config).flags())
        launch.local_options(beam)


def _run_night(
    night: "Night",
    *,
    beam: Sequence[str],
    lanes: int | None,
    max_error_rate: float,
    command: str,
    quiet: bool,
) -> dict[str, Any]:
    """Runs what is left of a night and writes its page."""
    from pipelines import (
        files,
        launch,
        progress,
        report,
        results,
        score,
        score_finish,
    )

    finished = score_finish.is_finished(night)
    if not quiet:
        _say_plan(night, finished=finished)
    if not finished:
        job = score.job(
            night, lanes=lanes, max_error_rate=max_error_rate, command=command
        )
        with progress.shown(night.plan.planned, quiet=quiet):
            launch.run(job, beam)
    page = results.page_uri(night.out, night.plan.run_date)
    if not finished or not files.exists(page):
        report.build(night.out, night.plan.run_date)
    summary = score_finish.read_summary(night)
    if summary is None:
        raise SystemicFault(
            f"run_date={night.plan.run_date}: its summary vanished; run the same "
            "command again"
        )
    score_finish.check_published(night, summary)
    if finished:  # the file tells of the night, what is printed of this command
        skipped = night.skipped + night.plan.planned
        summary |= {"skipped": skipped, "waiting": night.waiting, "computed": 0}
    return summary


def _say_plan(night: "Night", *, finished: bool) -> None:
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


def _tell_night(night: "Night", summary: dict[str, Any], *, as_json: bool) -> int:
    from pipelines import terminal

    if as_json:
        print(json.dumps(summary, indent=1))
    else:
        print("\n".join(terminal.night_lines(night.out, summary)))
    return 0


def status(arguments: Sequence[str]) -> int:
    """`fcn status`: how far the nights of an output are."""
    config, _ = configs.StatusConfig.parse(arguments)
    from pipelines import ledger

    nights = ledger.states(config.output, run_date=config.run_date)
    if config.json_output:
        print(json.dumps([night.described() for night in nights], indent=1))
        return 0
    for night in nights:
        print(night.line())
    return 0


def report(arguments: Sequence[str]) -> int:
    """`fcn report`: a night's page again."""
    config, _ = configs.ReportConfig.parse(arguments)
    from pipelines import ledger, report

    night = ledger.committed(config.output, run_date=config.run_date)
    uri = report.build(night.out, night.plan.run_date)
    print(json.dumps({"page": uri}) if config.json_output else uri)
    return 0


def discard(arguments: Sequence[str]) -> int:
    """`fcn discard`: an open night is given up, its photos are free again."""
    config, _ = configs.DiscardConfig.parse(arguments)
    if config.run_date is None:
        raise UsageError(
            "fcn discard: --run_date is missing, expected the night to give up"
        )
    from pipelines import ledger

    freed = ledger.discard(config.output, run_date=config.run_date)
    said = {"run_date": config.run_date, "freed": freed}
    text = f"run_date={config.run_date}: discarded, {freed} photos are free again"
    print(json.dumps(said) if config.json_output else text)
    return 0


def models(arguments: Sequence[str]) -> int:
    """`fcn models list|show|check|import`."""
    if arguments and arguments[0] == "import":
        wanted, _ = configs.ModelsImportConfig.parse(arguments[1:])
        from pipelines import model_import

        return model_import.run(wanted)
    config, _ = configs.ModelsConfig.parse(arguments)
    from pipelines import model_commands

    if config.action == "import":
        raise UsageError(
            "fcn models: got words before import, expected fcn models import FILE "
            "--output BUNDLE; see fcn models import --help"
        )
    if config.action == "list":
        if config.name is not None:
            raise UsageError(
                f"fcn models list: got {config.name} as well, expected nothing more; "
                f"fcn models show {config.name} tells of one"
            )
        return model_commands.list_all(as_json=config.json_output)
    if config.name is None:
        raise UsageError(
            f"fcn models {config.action}: the model is missing, expected a built-in "
            "name or a bundle folder; see fcn models list"
        )
    act = {"show": model_commands.show, "check": model_commands.check}[config.action]
    return act(config.name, as_json=config.json_output)


def convert(arguments: Sequence[str]) -> int:
    """`fcn convert voc|sbd|ava|folder`: a data set -> TFRecords."""
    from fcn_core import memory
    from pipelines import convert_commands

    memory.share_one_heap()  # readers hand photos to the writer of shards
    if arguments and arguments[0] in ("-h", "--help"):
        print(convert_commands.usage())
        return 0
    config, beam, drafter = convert_commands.parse(arguments)
    _check_beam(beam, config)
    return convert_commands.run(config, beam, drafter)


def train(arguments: Sequence[str]) -> int:
    """`fcn train`: TFRecords -> a trained model in a run folder."""
    from fcn_core import memory

    # Before NumPy is loaded: with its first thread the C library settles how it will
    # serve threads.
    memory.keep_freed_memory()
    config, _ = configs.TrainConfig.parse(arguments)
    from fcn_core.training_config import TrainingConfig
    from pipelines import model_commands

    asked = config.model_dump(exclude={"json_output", "task"})
    task = config.task or model_commands.task_of(config.recipe)
    return model_commands.train(
        TrainingConfig(task=task, **asked), as_json=config.json_output
    )


def export(arguments: Sequence[str]) -> int:
    """`fcn export`: a trained model -> a bundle that scores."""
    config, _ = configs.ExportConfig.parse(arguments)
    from pipelines import model_commands

    return model_commands.export(
        config.model,
        config.output,
        name=config.name,
        version=config.model_version,
        as_json=config.json_output,
    )
