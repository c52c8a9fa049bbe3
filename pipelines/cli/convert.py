"""`fcn convert voc|sbd|ava|folder`: settings -> plan -> job -> a few lines.

Rooms are imported by the functions that need them, so that a usage error comes at once.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pipelines.cli.beam_flags import choose_engine
from pipelines.cli.running import print_left, run_job, show_preview
from pipelines.convert.config import (
    ConvertAvaConfig,
    ConvertConfig,
    ConvertFolderConfig,
    ConvertSbdConfig,
    ConvertVocConfig,
)
from pipelines.convert.terminal import closing_lines
from pipelines.faults import UsageError
from pipelines.quiet_import import load

if TYPE_CHECKING:
    from pipelines.convert.plan import Conversion
    from pipelines.runners.engine import Engine


_KINDS: Final[Mapping[str, tuple[type[ConvertConfig], str]]] = {
    "voc": (ConvertVocConfig, "pipelines.convert.drafts.pascal:draft_voc"),
    "sbd": (ConvertSbdConfig, "pipelines.convert.drafts.pascal:draft_sbd"),
    "ava": (ConvertAvaConfig, "pipelines.convert.drafts.ava:draft_ava"),
    "folder": (ConvertFolderConfig, "pipelines.convert.drafts.folder:draft_folder"),
}
"""Of each data set: its settings, and what drafts its conversion."""


def usage() -> str:
    """Returns what `fcn convert --help` prints."""
    width = max(len(name) for name in _KINDS)
    lines = [
        f"  fcn convert {name:<{width}}  {(kind.__doc__ or '').splitlines()[0]}"
        for name, (kind, _) in _KINDS.items()
    ]
    ending = "fcn convert voc --help lists the flags of voc, and so on."
    return "\n".join([*lines, "", ending])


def convert(arguments: Sequence[str]) -> int:
    """`fcn convert voc|sbd|ava|folder`: a data set -> TFRecords."""
    from fcn_core import memory

    memory.share_one_heap()  # readers hand photos to the writer of shards
    if arguments and arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    kind, drafter = _kind_of(arguments)
    config, beam = kind.parse(arguments[1:])
    engine = choose_engine(beam, config, output=config.output)
    if engine.dry_run:
        return show_preview(engine, as_json=config.json_output)
    return run(config, engine, drafter)


def _kind_of(arguments: Sequence[str]) -> tuple[type[ConvertConfig], str]:
    if not arguments or arguments[0] not in _KINDS:
        got = arguments[0] if arguments else "nothing"
        raise UsageError(
            f"fcn convert: got {got}, expected {', '.join(_KINDS)}; see fcn convert "
            "--help"
        )
    return _KINDS[arguments[0]]


def run(config: ConvertConfig, engine: "Engine", drafter: str) -> int:
    """Runs what is left of a conversion, and reports its outcome.

    Args:
        config: The settings.
        engine: Where its job runs.
        drafter: `module:function` that returns the `Draft`.
    """
    from pipelines.convert import plan
    from pipelines.convert.drafts import draft

    # The draft has no name here: its lists are freed before the job runs.
    conversion = plan.plan_conversion(
        draft.make_draft(load(drafter), config),
        config.output,
        num_shards=config.num_shards,
        allow_leak=config.allow_leak,
    )
    if conversion is not None:
        job_id = _convert(conversion, config, engine)
        if job_id is not None:
            out, as_json = conversion.folder.out, config.json_output
            print_left(job_id, engine, output=out, as_json=as_json)
            return 0
    _report(config, again=conversion is None)
    return 0


def _report(config: ConvertConfig, *, again: bool) -> None:
    from pipelines import files
    from pipelines.convert import finish
    from pipelines.convert.layout import DatasetFolder

    folder = DatasetFolder(files.to_uri(config.output))
    info = finish.read_verdict(folder)
    if config.json_output:
        print(json.dumps({"output": folder.out, **info.model_dump(mode="json")}))
    else:
        print("\n".join(closing_lines(folder.out, info, again=again)))


def _convert(
    conversion: "Conversion", config: ConvertConfig, engine: "Engine"
) -> str | None:
    """Runs a conversion; returns the id of a job that goes on alone."""
    from pipelines.chunks.attempt import Attempt
    from pipelines.convert import worker
    from pipelines.lanes.pool import pool_of

    plan, lanes, quiet = conversion.plan, config.lanes, config.json_output
    job = worker.job(conversion, lanes=lanes, max_error_rate=config.max_error_rate)
    with Attempt() as attempt:
        if not engine.is_remote:
            # Beam takes seconds to import; the lanes start meanwhile.
            pool_of(attempt, worker.settings(plan, lanes=lanes))
        return run_job(job, engine, attempt, unit="photos", quiet=quiet)
