"""`fcn convert voc|sbd|ava|folder`: settings -> plan -> job -> a few lines.

Every import of a room is inside the function that needs it, so that a usage error is
told at once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fcn_core import dataset_info
from pipelines import convert_config as configs
from pipelines.convert_sources import Draft
from pipelines.faults import UsageError

if TYPE_CHECKING:
    from pipelines import convert_plan


def _voc() -> Callable[[Any], Draft]:
    from pipelines.convert_sources import draft_voc

    return draft_voc


def _sbd() -> Callable[[Any], Draft]:
    from pipelines.convert_sources import draft_sbd

    return draft_sbd


def _ava() -> Callable[[Any], Draft]:
    from pipelines.convert_ava import draft_ava

    return draft_ava


def _folder() -> Callable[[Any], Draft]:
    from pipelines.convert_folder import draft_folder

    return draft_folder


_KINDS: Final[
    Mapping[
        str, tuple[type[configs.ConvertConfig], Callable[[], Callable[[Any], Draft]]]
    ]
] = {
    "voc": (configs.ConvertVocConfig, _voc),
    "sbd": (configs.ConvertSbdConfig, _sbd),
    "ava": (configs.ConvertAvaConfig, _ava),
    "folder": (configs.ConvertFolderConfig, _folder),
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


def parse(
    arguments: Sequence[str],
) -> tuple[configs.ConvertConfig, list[str], Callable[[], Callable[[Any], Draft]]]:
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
    config: configs.ConvertConfig,
    beam: Sequence[str],
    drafter: Callable[[], Callable[[Any], Draft]],
) -> int:
    """Runs what is left of a conversion, and tells what became of it."""
    from pipelines import convert_plan, convert_sources

    # No name for the draft: its lists need not live as long as the job.
    conversion = convert_plan.plan_conversion(
        convert_sources.drafted(drafter(), config),
        config.output,
        num_shards=config.num_shards,
        allow_leak=config.allow_leak,
    )
    if conversion.plan is not None:
        _convert(conversion, config, beam)
    from pipelines import convert_finish

    info = convert_finish.verdict(conversion)
    if config.json_output:
        print(json.dumps({"output": conversion.out, **info.model_dump(mode="json")}))
    else:
        again = conversion.plan is None
        print("\n".join(told(conversion.out, info, again=again)))
    return 0


def _convert(
    conversion: "convert_plan.Conversion",
    config: configs.ConvertConfig,
    beam: Sequence[str],
) -> None:
    from pipelines import convert_lanes

    assert conversion.plan is not None
    convert_lanes.start(conversion.plan, lanes=config.lanes)
    # Beam takes seconds to import; the lanes start meanwhile.
    from pipelines import convert, launch, progress

    job = convert.job(
        conversion, lanes=config.lanes, max_error_rate=config.max_error_rate
    )
    planned = conversion.plan.planned
    with progress.shown(planned, unit="photos", quiet=config.json_output):
        launch.run(job, beam)


def told(out: str, info: dataset_info.DatasetInfo, *, again: bool) -> list[str]:
    """Returns what a person is told about a finished data set.

    Args:
        out: The output.
        info: Its description.
        again: Whether it was complete before this command.
    """
    lines = [f"{out}: already complete"] if again else []
    for name, split in info.splits.items():
        line = (
            f"{name}: {split.read} listed = {split.records} records in {split.shards} "
            f"shards + {split.rejected} rejected"
        )
        if split.published not in (None, split.read):
            line += f" (the published list has {split.published})"
        lines.append(line)
    lines += [f"  {count} {reason}" for reason, count in info.rejected.items()]
    lines += [
        f"  {count} {reason}, written all the same ({dataset_info.WARNINGS_NAME})"
        for reason, count in info.warnings.items()
    ]
    lines += [f"note: {remark}" for remark in info.remarks]
    return [*lines, f"train with: fcn train {info.task} --data {out} --output RUN_DIR"]
