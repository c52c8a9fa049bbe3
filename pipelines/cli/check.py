"""The command `fcn check`: what is damaged in an output, and mending it."""

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines import logs
from pipelines.check.config import CheckConfig
from pipelines.cli.beam_flags import check_here, choose_engine, typed_command
from pipelines.cli.table import print_table

if TYPE_CHECKING:
    from pipelines.check.damage import Damage, Findings
    from pipelines.runners.engine import Engine
    from pipelines.score.plan import PlannedNight


def check(arguments: Sequence[str]) -> int:
    """`fcn check`: reads all that plans and commits name; 1 if any of it is damaged."""
    config, beam = CheckConfig.parse(arguments)
    engine = choose_engine(beam, config, output=config.output)
    check_here(engine, config.command)
    found, nights = _find(config)
    mended, why = 0, list[str]()
    if config.mend and found.damages:
        from pipelines import files
        from pipelines.check import mend

        before = len(found.damages)
        command = typed_command("check", arguments)
        why = _mend(config, found, nights, engine=engine, command=command)
        # Which masks no row names is known only now that all parts are there.
        found, _ = _find(config)
        out = files.to_uri(config.output)
        found.damages = mend.remove_left_over(out, found.damages)
        mended = max(before - len(found.damages), 0)
    _report(config, found, mended)
    for line in why:
        logs.say(f"fcn: {line}", "ERROR")
    return 1 if found.damages else 0


def _find(config: CheckConfig) -> "tuple[Findings, list[PlannedNight]]":
    from pipelines.check import output

    return output.check(
        config.output, run_date=config.run_date, most_masks=config.most_masks
    )


def _mend(
    config: CheckConfig,
    found: "Findings",
    nights: "Sequence[PlannedNight]",
    *,
    engine: "Engine",
    command: str,
) -> list[str]:
    """Mends night after night; returns why one could not be mended, a line each."""
    from pipelines.faults import SystemicFault

    why = list[str]()
    for night in nights:
        run_date = night.plan.run_date
        damages = [d for d in found.damages if d.run_date == run_date]
        if damages:
            try:
                _mend_night(config, night, damages, engine=engine, command=command)
            except SystemicFault as fault:  # the check that follows names what is left
                why.append(f"run_date={run_date}: {fault}")
    return why


def _mend_night(
    config: CheckConfig,
    planned: "PlannedNight",
    damages: "Sequence[Damage]",
    *,
    engine: "Engine",
    command: str,
) -> None:
    from pipelines.check import mend, rescore
    from pipelines.chunks import progress
    from pipelines.chunks.attempt import Attempt
    from pipelines.runners import launch

    mend.put_index(planned, damages)
    night = mend.open_night(planned)
    job = rescore.job(night, damages, lanes=config.lanes)
    if job.chunks:
        photos = rescore.count_photos(planned.plan, damages)
        with (
            Attempt() as attempt,
            progress.show(attempt.tally, photos, quiet=config.json_output),
        ):
            launch.run(job, engine, attempt)
    mend.put_attached(planned, damages)
    mend.show_again(night, damages, command=command)


def _report(config: CheckConfig, found: "Findings", mended: int) -> None:
    from pipelines.check.damage import HEADS

    if config.json_output:
        answer = {
            "nights": found.nights,
            "files": found.files,
            "mended": mended,
            "pruned": found.pruned,
            "damages": [dataclasses.asdict(damage) for damage in found.damages],
        }
        print(json.dumps(answer, indent=1))
        return
    if found.damages:
        print_table(HEADS, [damage.row() for damage in found.damages])
    for run_date, text in found.pruned.items():
        print(f"{run_date}: {text}")
    read = ", ".join(
        f"{number} {kind}" if number == 1 else f"{number} {kind}s"
        for kind, number in found.files.items()
    )
    left = f"{len(found.damages)} damaged" if found.damages else "nothing is damaged"
    done = f"{mended} mended, " if mended else ""
    nights = "1 night" if found.nights == 1 else f"{found.nights} nights"
    print(f"{nights} checked ({read}): {done}{left}")
