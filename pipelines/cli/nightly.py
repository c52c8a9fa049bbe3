"""`fcn nightly`: what a scheduler calls every night, and what prepares it."""

import getpass
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines import logs, settings
from pipelines.cli.beam_flags import choose_engine, typed_command
from pipelines.cli.running import show_preview
from pipelines.faults import UsageError
from pipelines.nightly.command import NightlyCommand

if TYPE_CHECKING:
    from pipelines.nightly.config import NightlyConfig
    from pipelines.nightly.job import Job
    from pipelines.nightly.outcome import Outcome
    from pipelines.runners.engine import Engine
    from pipelines.score.gate_settings import Acceptance

_DEFAULT_FILE: Final = "nightly.yaml"
_WORST_LAST: Final = (0, 3, 1, 2, 130)
"""Exit codes; the worst of all nights is the call's."""


def nightly(arguments: Sequence[str]) -> int:
    """`fcn nightly`: plan, score, judge, publish, for each job of a file."""
    file, words = _split_config(arguments)
    command, beam = NightlyCommand.parse(words)
    if command.init:
        return _init(command, file or _DEFAULT_FILE)
    if file is None:
        raise UsageError(
            "fcn nightly: --config is missing, expected the file that says what a "
            "night does; write one with fcn nightly --init"
        )
    if beam:
        from pipelines.runners import flags

        flags.check_flags(beam, ours=NightlyCommand.flags())
    from pipelines.nightly import config

    read = config.read(Path(settings.FETCHED_CONFIGS.get(file, file)), name=file)
    jobs = config.chosen(read.jobs, command.job)
    if command.print_config:
        return _print_config(read, as_json=command.json_output)
    if command.pin_canaries:
        return _pin(jobs, as_json=command.json_output)
    if any(word.partition("=")[0] == "--dry_run" for word in beam):
        return max(_preview(job, beam, command) for job in jobs)
    typed = typed_command("nightly", arguments)
    return _run(read, jobs, command, beam=beam, typed=typed)


def _split_config(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Returns the file that `--config` names, and the other words."""
    file, words, rest = None, list[str](), list(arguments)
    while rest:
        word = rest.pop(0)
        if word.startswith("--config="):
            file = word.removeprefix("--config=")
        elif word == "--config":
            if not rest:
                raise UsageError("fcn nightly: --config: got nothing, expected a file")
            file = rest.pop(0)
        else:
            words.append(word)
    return file, words


def _run(
    read: "NightlyConfig",
    jobs: "Sequence[Job]",
    command: NightlyCommand,
    *,
    beam: Sequence[str],
    typed: str,
) -> int:
    from pipelines.nightly import watchers

    for line in watchers.check(read.watchers):
        logs.say(f"fcn: {line}", "WARNING")
    codes, outcomes = [0], []
    for job, outcome in _outcomes(read, jobs, command, beam=beam, typed=typed):
        outcomes.append(outcome)
        codes.append(outcome.exit_code)
        _report(job, outcome, as_json=command.json_output)
        watchers.tell(read.watchers, outcome)
        if outcome.exit_code == _WORST_LAST[-1]:
            break
    code = max(codes, key=_WORST_LAST.index)
    if command.json_output:
        nights = [outcome.model_dump(mode="json") for outcome in outcomes]
        print(json.dumps({"exit_code": code, "nights": nights}, indent=1))
    return code


def _outcomes(
    read: "NightlyConfig",
    jobs: "Sequence[Job]",
    command: NightlyCommand,
    *,
    beam: Sequence[str],
    typed: str,
) -> "Iterator[tuple[Job, Outcome]]":
    """Yields how each night of each job ended."""
    from pipelines.nightly import call, spans

    wanted = []
    for job in jobs:
        if command.from_ is not None and command.to is not None:
            first, last, together = command.from_, command.to, command.together
            found = spans.backfill(job, first=first, last=last, together=together)
        else:
            found = spans.tonight(job, command.run_date or read.run_date)
        wanted.append((job, found))
    for job, found in wanted:

        def say(line: str, name: str = job.label) -> None:
            logs.say(f"{name}: {line}")

        def engine_of(of: "Job", computing: object) -> "Engine":
            return _engine(of, beam, computing)

        made = call.Call(
            engine_of=engine_of,
            command=typed,
            say=say,
            accepted=_acceptance(command.accept),
            rescore=command.rescore,
            quiet=command.json_output,
        )
        for outcome in call.run(job, found, made):
            yield job, outcome


def _engine(job: "Job", beam: Sequence[str], computing: object | None) -> "Engine":
    from pipelines.nightly.job import DAY

    words = [*job.beam_flags(), *beam]
    config = job.score_config(DAY)
    return choose_engine(words, config, output=job.output, computing=computing)


def _acceptance(reason: str | None) -> "Acceptance | None":
    if reason is None:
        return None
    from pipelines.nightly import dates
    from pipelines.score.gate_settings import Acceptance

    try:
        who = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        who = f"user {os.getuid()}"
    when = dates.now().isoformat(timespec="seconds")
    return Acceptance(who=who, when=when, why=reason.strip())


def _report(job: "Job", outcome: "Outcome", *, as_json: bool) -> None:
    """Prints how a night ended: faults and closed gates as lines of their own."""
    night = f"{job.label} run_date={outcome.run_date}"
    for reason in outcome.reasons:
        line = reason.removeprefix("fcn nightly: ")
        logs.say(f"fcn nightly: {night}: {line}", "ERROR")
    if outcome.verdict == "failed":
        logs.say(
            f"fcn nightly: {night}: not published; see fcn status {outcome.output}, "
            f"then pass --accept REASON --run_date {outcome.run_date}, or fcn "
            "discard it",
            "ERROR",
        )
    if as_json or outcome.verdict != "success" or outcome.summary is None:
        return
    from pipelines.score import terminal
    from pipelines.score.layout import NightFolder

    folder = NightFolder(outcome.output, outcome.run_date)
    print(f"{job.label}  run_date={outcome.run_date}")
    print("\n".join(terminal.closing_lines(folder, outcome.summary)), flush=True)


def _print_config(read: "NightlyConfig", *, as_json: bool) -> int:
    import yaml

    resolved = read.resolved()
    if as_json:
        print(json.dumps(resolved, indent=1))
    else:
        print(yaml.safe_dump(resolved, sort_keys=False), end="")
    return 0


def _pin(jobs: "Sequence[Job]", *, as_json: bool) -> int:
    from pipelines.nightly import pins

    written = [pins.write(job) for job in jobs]
    print(json.dumps({"pins": written}) if as_json else "\n".join(written))
    return 0


def _preview(job: "Job", beam: Sequence[str], command: NightlyCommand) -> int:
    engine = _engine(job, beam, None)
    if not engine.dry_run:
        raise UsageError(
            f"--dry_run: got {engine.name}, expected an engine elsewhere; leave it out"
        )
    return show_preview(engine, as_json=command.json_output)


def _init(command: NightlyCommand, file: str) -> int:
    """Writes a commented configuration; asks what no flag says."""
    from pipelines.nightly import commented, config

    path = Path(file)
    if path.exists():
        raise UsageError(
            f"--config: got {file}, which is there, expected a new file; choose "
            "another name"
        )
    given = {
        "input": _asked(command.input, "--input", "Photos (folder; {date} is allowed)"),
        "output": _asked(command.output, "--output", "Results (folder or gs://...)"),
        "timezone": command.timezone or "UTC",
    }
    text = commented.text(given)
    config.parse(text, file=file)
    path.write_text(text, encoding="utf-8")
    next_step = f"fcn nightly --config {file} --print_config"
    print(json.dumps({"config": file}) if command.json_output else next_step)
    return 0


def _asked(value: str | None, flag: str, question: str) -> str:
    if value is None and sys.stdin is not None and sys.stdin.isatty():
        print(f"{question}: ", end="", file=sys.stderr, flush=True)
        value = sys.stdin.readline().strip()
    if not value:
        raise UsageError(f"{flag}: got nothing, expected a value for --init; pass it")
    return value
