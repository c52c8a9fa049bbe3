"""`fcn convert voc|sbd|ava|folder`: settings -> plan -> job -> a few lines.

Every import of a room is inside the function that needs it, so that a usage error is
told at once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pipelines.cli.beam_flags import check_beam_flags
from pipelines.convert.config import (
    ConvertAvaConfig,
    ConvertConfig,
    ConvertFolderConfig,
    ConvertSbdConfig,
    ConvertVocConfig,
)
from pipelines.convert.drafts.draft import Draft
from pipelines.convert.terminal import told
from pipelines.faults import UsageError

if TYPE_CHECKING:
    from pipelines.convert.plan import Conversion


def _voc() -> Callable[[Any], Draft]:
    from pipelines.convert.drafts.pascal import draft_voc

    return draft_voc


def _sbd() -> Callable[[Any], Draft]:
    from pipelines.convert.drafts.pascal import draft_sbd

    return draft_sbd


def _ava() -> Callable[[Any], Draft]:
    from pipelines.convert.drafts.ava import draft_ava

    return draft_ava


def _folder() -> Callable[[Any], Draft]:
    from pipelines.convert.drafts.folder import draft_folder

    return draft_folder


_KINDS: Final[
    Mapping[str, tuple[type[ConvertConfig], Callable[[], Callable[[Any], Draft]]]]
] = {
    "voc": (ConvertVocConfig, _voc),
    "sbd": (ConvertSbdConfig, _sbd),
    "ava": (ConvertAvaConfig, _ava),
    "folder": (ConvertFolderConfig, _folder),
}


def usage() -> str:
    """Returns what `fcn convert --help` tells."""
    width = max(len(name) for name in _KINDS)
    lines = [
        f"  fcn convert {name:<{width}}  {(kind.__doc__ or '').splitlines()[0]}"
        for name, (kind, _) in _KINDS.items()
    ]
    ending = "fcn convert voc --help tells the flags of voc, and so on."
    return "\n".join([*lines, "", ending])


def convert(arguments: Sequence[str]) -> int:
    """`fcn convert voc|sbd|ava|folder`: a data set -> TFRecords."""
    from fcn_core import memory

    memory.share_one_heap()  # readers hand photos to the writer of shards
    if arguments and arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    config, beam, drafter = parse(arguments)
    check_beam_flags(beam, config)
    return run(config, beam, drafter)


def parse(
    arguments: Sequence[str],
) -> tuple[ConvertConfig, list[str], Callable[[], Callable[[Any], Draft]]]:
    """Returns the settings, what is left for Beam, and what drafts the conversion.

    Raises:
        UsageError: the first word names no data set, or a flag is wrong.
    """
    if not arguments or arguments[0] not in _KINDS:
        got = arguments[0] if arguments else "nothing"
        raise UsageError(
            f"fcn convert: got {got}, expected {', '.join(_KINDS)}; see fcn convert "
            "--help"
        )
    kind, drafter = _KINDS[arguments[0]]
    config, beam = kind.parse(arguments[1:])
    return config, beam, drafter


def run(
    config: ConvertConfig,
    beam: Sequence[str],
    drafter: Callable[[], Callable[[Any], Draft]],
) -> int:
    """Runs what is left of a conversion, and tells what became of it."""
    from pipelines.convert import plan
    from pipelines.convert.drafts import draft

    # No name for the draft: its lists need not live as long as the job.
    conversion = plan.plan_conversion(
        draft.drafted(drafter(), config),
        config.output,
        num_shards=config.num_shards,
        allow_leak=config.allow_leak,
    )
    if conversion is not None:
        _convert(conversion, config, beam)
    from pipelines import files
    from pipelines.convert import finish
    from pipelines.convert.layout import DatasetFolder

    folder = DatasetFolder(files.to_uri(config.output))
    info = finish.read_verdict(folder)
    if config.json_output:
        print(json.dumps({"output": folder.out, **info.model_dump(mode="json")}))
    else:
        again = conversion is None
        print("\n".join(told(folder.out, info, again=again)))
    return 0


def _convert(
    conversion: "Conversion",
    config: ConvertConfig,
    beam: Sequence[str],
) -> None:
    from pipelines.chunks import progress
    from pipelines.chunks.attempt import Attempt
    from pipelines.convert import worker
    from pipelines.lanes.pool import pool_of

    plan, lanes, quiet = conversion.plan, config.lanes, config.json_output
    with Attempt() as attempt:
        pool_of(attempt, worker.settings(plan, lanes=lanes))
        # Beam takes seconds to import; the lanes start meanwhile.
        from pipelines.runners import launch

        job = worker.job(conversion, lanes=lanes, max_error_rate=config.max_error_rate)
        with progress.show(attempt.tally, plan.planned, unit="photos", quiet=quiet):
            launch.run(job, beam, attempt)
