"""The commands about planned nights: status, report, discard."""

import dataclasses
import itertools
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.cli import streams
from pipelines.cli.table import print_table
from pipelines.faults import UsageError
from pipelines.score.config import DiscardConfig, ReportConfig, StatusConfig

if TYPE_CHECKING:
    from pipelines.check.damage import Damage
    from pipelines.score.states import NightState


def status(arguments: Sequence[str]) -> int:
    """`fcn status`: how far the nights of an output are."""
    config, _ = StatusConfig.parse(arguments)
    if config.watch and config.verify:
        raise UsageError(
            "--verify: got it with --watch, expected either; a night is verified when "
            "it is done"
        )
    if config.watch:
        return _watch(config)
    from pipelines.score import states

    nights = states.states(config.output, run_date=config.run_date, last=config.last)
    damages = _verify(config, nights) if config.verify else {}
    if config.json_output:
        found = [{**vars(night), **_damages_of(night, damages)} for night in nights]
        print(json.dumps(found, indent=1))
    else:
        _print_states(config.output, nights, damages)
    return 1 if any(damages.values()) else 0


def _verify(
    config: StatusConfig, nights: "Sequence[NightState]"
) -> "dict[str, list[Damage]]":
    """Returns night -> what reading all of it found; only of nights that are shown."""
    from pipelines.check import output as check_output

    found = dict[str, list["Damage"]]()
    for night in nights:
        answer, _ = check_output.check(
            config.output, run_date=night.run_date, most_masks=None
        )
        found[night.run_date] = answer.damages
    return found


def _damages_of(
    night: "NightState", damages: "Mapping[str, Sequence[Damage]]"
) -> dict[str, object]:
    if night.run_date not in damages:
        return {}
    return {"damages": [dataclasses.asdict(each) for each in damages[night.run_date]]}


def _print_states(
    output: str,
    nights: "Sequence[NightState]",
    damages: "Mapping[str, Sequence[Damage]]",
) -> None:
    from pipelines.check.damage import HEADS, MEND
    from pipelines.score import states

    rows = [night.row() for night in nights]
    print_table(states.HEADS, rows, numbers=states.NUMBERS)
    if not damages:
        return
    found = [each.row() for each in itertools.chain.from_iterable(damages.values())]
    if found:
        print_table(HEADS, found)
    for run_date, each in damages.items():
        if any(damage.cure == MEND for damage in each):
            print(f"fcn check {shlex.quote(output)} --run_date {run_date} --mend")
    print("verified: " + (f"{len(found)} damaged" if found else "nothing is damaged"))


def _watch(config: StatusConfig) -> int:
    """Shows how far a night is until it is decided; 3 where it is not published."""
    from pipelines.chunks import progress
    from pipelines.chunks.counts import Tally
    from pipelines.score import lookup, states, watch

    night, tally = lookup.find_night(config.output, run_date=config.run_date), Tally()
    last = None
    with progress.show(tally, night.plan.planned, quiet=config.json_output):
        for last in watch.watch(night, tally):
            if config.json_output:
                print(json.dumps(vars(last)), flush=True)
            if not streams.has_reader():
                break
    if not config.json_output:
        (state,) = states.states(config.output, run_date=night.plan.run_date)
        print_table(states.HEADS, [state.row()], numbers=states.NUMBERS)
    return 3 if last is not None and last.state == "failed" else 0


def report(arguments: Sequence[str]) -> int:
    """`fcn report`: writes a night's page again."""
    config, _ = ReportConfig.parse(arguments)
    from pipelines import files
    from pipelines.pages import night as pages_night
    from pipelines.score import lookup

    night = lookup.find_committed(config.output, run_date=config.run_date)
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
