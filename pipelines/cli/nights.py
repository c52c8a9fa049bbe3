"""The commands about planned nights: status, report, discard."""

import json
from collections.abc import Sequence

from pipelines.cli import streams
from pipelines.cli.table import print_table
from pipelines.score.config import DiscardConfig, ReportConfig, StatusConfig


def status(arguments: Sequence[str]) -> int:
    """`fcn status`: how far the nights of an output are."""
    config, _ = StatusConfig.parse(arguments)
    if config.watch:
        return _watch(config)
    from pipelines.score import states

    nights = states.states(config.output, run_date=config.run_date)
    if config.json_output:
        print(json.dumps([vars(night) for night in nights], indent=1))
        return 0
    rows = [night.row() for night in nights]
    print_table(states.HEADS, rows, numbers=states.HEADS[2:6])
    return 0


def _watch(config: StatusConfig) -> int:
    """Shows how far a night is until it is decided; 3 where it is not published."""
    from pipelines.chunks import progress
    from pipelines.chunks.counts import Tally
    from pipelines.score import states, watch

    night, tally = watch.find_night(config.output, run_date=config.run_date), Tally()
    last = None
    with progress.show(tally, night.plan.planned, quiet=config.json_output):
        for last in watch.watch(night, tally):
            if config.json_output:
                print(json.dumps(vars(last)), flush=True)
            if not streams.has_reader():
                break
    if not config.json_output:
        (state,) = states.states(config.output, run_date=night.plan.run_date)
        print_table(states.HEADS, [state.row()], numbers=states.HEADS[2:6])
    return 3 if last is not None and last.state == "failed" else 0


def report(arguments: Sequence[str]) -> int:
    """`fcn report`: writes a night's page again."""
    config, _ = ReportConfig.parse(arguments)
    from pipelines import files
    from pipelines.pages import night as pages_night
    from pipelines.score import states

    night = states.find_committed(config.output, run_date=config.run_date)
    uri = pages_night.build(night.folder)
    files.remove_temporaries(night.folder.report)
    print(json.dumps({"page": uri}) if config.json_output else uri)
    return 0


def discard(arguments: Sequence[str]) -> int:
    """`fcn discard`: gives up an open night; its photos are free again."""
    config, _ = DiscardConfig.parse(arguments)
    from pipelines.score import states

    freed = states.discard(config.output, run_date=config.run_date)
    outcome = {"run_date": config.run_date, "freed": freed}
    text = f"run_date={config.run_date}: discarded, {freed} photos are free again"
    print(json.dumps(outcome) if config.json_output else text)
    return 0
