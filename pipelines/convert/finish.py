"""How a data set is finished: every line accounted for, gates passed, shards named.

Each step can be repeated, so a kill between two of them costs nothing; `COMPLETED` is
written last, and readers refuse a folder without it.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fcn_core.metrics import copies
from fcn_core.records import dataset_info
from pipelines import files
from pipelines.chunks import gates
from pipelines.chunks.counts import Counts
from pipelines.convert import duplicates as convert_duplicates
from pipelines.convert import pieces, publish
from pipelines.convert.duplicates import Duplicates
from pipelines.convert.parts import Part, committed_part
from pipelines.convert.pieces import work_uri
from pipelines.convert.plan import Conversion, ConvertPlan, PlannedSplit, read_info
from pipelines.convert.publish import Described
from pipelines.faults import AboveThreshold, SystemicFault


@dataclass(frozen=True)
class Finish:
    """Completes a data set, or writes down why not.

    Attributes:
        out: The output.
        plan: Its plan.
        max_error_rate: Largest share of rejected lines of a complete data set.
    """

    out: str
    plan: ConvertPlan
    max_error_rate: float

    def __call__(self, counts: Counts) -> None:
        """Checks that everything is accounted for, passes the gates, publishes."""
        out, plan = self.out, self.plan
        if files.exists(files.join(out, dataset_info.COMPLETED_NAME)):
            return  # a launch beside this one was faster
        if counts.ok + counts.failed != plan.planned:
            raise SystemicFault(
                f"got {counts.ok} records + {counts.failed} rejected, expected "
                f"{plan.planned} as planned; nothing is published"
            )
        parts, duplicates = _parts(out, plan)
        described = _describe(out, plan, parts, duplicates)
        publish.write_tables(out, described)
        if why := _gate(described.info, self.max_error_rate):
            verdict = {"why": why, "rejected": described.info.rejected}
            data = json.dumps(verdict).encode()
            files.write_atomically(work_uri(out, "FAILED"), data)
            return
        publish.publish(out, plan, parts, described)


def _parts(out: str, plan: ConvertPlan) -> tuple[list[Part], Duplicates]:
    """Returns the parts, their hashes of photos left out, without what is twice."""
    parts, prefixes = [], []
    for chunk in range(plan.chunks):
        part = committed_part(out, plan, chunk)
        prefixes.append(copies.prefixes(part.photos))
        parts.append(part.model_copy(update={"photos": ""}))
    allow_leak = bool(plan.settings["allow_leak"])
    found = convert_duplicates.find(out, plan, prefixes, allow_leak=allow_leak)
    for chunk, dropped in found.dropped.items():
        part = publish.stage_without(out, chunk, parts[chunk], dropped)
        parts[chunk] = part
    return parts, found


def _describe(
    out: str, plan: ConvertPlan, parts: list[Part], duplicates: Duplicates
) -> Described:
    """Returns the data set's description, its rejected lines and its warnings.

    Raises:
        SystemicFault: lines are not accounted for.
    """
    shards: dict[str, list[dataset_info.Shard]] = {name: [] for name in plan.splits}
    rejected = {name: list(split.rejected) for name, split in plan.splits.items()}
    for chunk, part in enumerate(parts):
        name, number, _ = pieces.read_shard(out, plan.pieces, chunk)
        rejected[name] += part.rejected
        shards[name].append(
            dataset_info.Shard(
                name=publish.shard_name(name, number, plan.splits[name].shards),
                records=part.records,
                bytes=part.bytes,
                sha256=part.sha256,
            )
        )
    splits = {
        name: _split(name, planned, shards[name], len(rejected[name]))
        for name, planned in plan.splits.items()
    }
    rows = [
        {**row.model_dump(), "split": name}
        for name, split_rows in rejected.items()
        for row in split_rows
    ]
    warnings = [
        {**row.model_dump(), "split": name} for name, row in duplicates.warnings
    ]
    highest = max((part.highest for part in parts), default=0)
    info = _info(plan, splits, rows, warnings, highest)
    return Described(info, rows, warnings)


def _info(
    plan: ConvertPlan,
    splits: Mapping[str, dataset_info.Split],
    rows: list[dict[str, Any]],
    warnings: list[dict[str, Any]],
    highest: int,
) -> dataset_info.DatasetInfo:
    content = plan.content
    classes = content.classes
    if classes is None and content.task == "segmentation":
        classes = [f"class_{class_id}" for class_id in range(highest + 1)]
    return dataset_info.DatasetInfo(
        dataset=content.dataset,
        task=content.task,
        classes=classes,
        void=content.void,
        splits=dict(splits),
        rejected=_by_reason(rows),
        warnings=_by_reason(warnings),
        remarks=content.remarks,
        settings=plan.settings,
        fingerprint=dataset_info.fingerprint(dict(splits)),
    )


def _by_reason(rows: list[dict[str, Any]]) -> dict[str, int]:
    return dict(sorted(Counter(row["reason"] for row in rows).items()))


def _split(
    name: str,
    planned: PlannedSplit,
    shards: list[dataset_info.Shard],
    rejected: int,
) -> dataset_info.Split:
    try:
        return dataset_info.Split(
            read=planned.read,
            records=sum(shard.records for shard in shards),
            rejected=rejected,
            published=planned.published,
            shards=planned.shards,
            files=shards,
        )
    except ValueError as error:
        raise SystemicFault(
            f"split {name}: read {planned.read}, but {rejected} rejected and "
            f"{sum(shard.records for shard in shards)} written; nothing is published"
        ) from error


def _gate(info: dataset_info.DatasetInfo, max_error_rate: float) -> str | None:
    """Returns why the data set must not be published; None where it may."""
    for name, split in info.splits.items():
        why = gates.check(
            planned=split.read, failed=split.rejected, max_error_rate=max_error_rate
        )
        if why is not None:
            return f"split {name}: {why}"
    return None


def verdict(conversion: Conversion) -> dataset_info.DatasetInfo:
    """Returns the description of a finished data set.

    Raises:
        AboveThreshold: it is not published, and why.
    """
    out = conversion.out
    if not files.exists(files.join(out, dataset_info.COMPLETED_NAME)):
        failed = json.loads(files.read_bytes(work_uri(out, "FAILED")))
        raise AboveThreshold(
            f"{out} is not completed: {failed['why']}; read "
            f"{dataset_info.REJECTED_NAME} there, mend the data, or pass a higher "
            "--max_error_rate to the same command"
        )
    return read_info(out)
