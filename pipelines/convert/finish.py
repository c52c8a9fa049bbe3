"""How a data set is finished: every line accounted for, gates passed, shards named.

`COMPLETED` is written last, and readers refuse a folder without it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fcn_core.metrics import copies
from fcn_core.records import dataset_info
from pipelines import files
from pipelines.chunks import gates
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import Ending, Refusal, read_refusal, reasons
from pipelines.convert import duplicates, publish, understood
from pipelines.convert.duplicates import Duplicates
from pipelines.convert.layout import DatasetFolder, shard_name
from pipelines.convert.parts import StagedShard, photos_of, shard_of
from pipelines.convert.plan import (
    Conversion,
    ConvertPlan,
    PlannedSplit,
    Rejected,
    read_info,
)
from pipelines.convert.publish import Described
from pipelines.faults import AboveThreshold, SystemicFault

_CURE: Final = (
    f"read {dataset_info.REJECTED_NAME} there, mend the data, or pass a higher "
    "--max_error_rate to the same command"
)


@dataclass(frozen=True)
class Totals:
    """What the parts of a conversion add up to.

    Attributes:
        ok: Entries that became records.
        failed: Entries that were rejected.
        shards: Without the records that are there twice.
    """

    ok: int
    failed: int
    shards: list[StagedShard]
    described: Described


@dataclass(frozen=True)
class DatasetEnding(Ending[Totals]):
    """What is a conversion's own about its end.

    Attributes:
        max_error_rate: Largest share of rejected lines of a complete data set.
    """

    conversion: Conversion
    max_error_rate: float

    def is_published(self) -> bool:
        """Whether the data set is complete."""
        return files.exists(self.conversion.folder.completed)

    def add_up(self) -> Totals:
        """Returns the shards of all parts, without what is there twice."""
        conversion = self.conversion
        shards, prefixes = [], []
        for chunk in range(conversion.plan.chunks):
            part = conversion.parts.committed(chunk)
            prefixes.append(copies.prefixes(photos_of(part)))
            shards.append(shard_of(part))
        ok = sum(shard.records for shard in shards)
        failed = sum(len(shard.rejected) for shard in shards)
        allow_leak = bool(conversion.plan.settings["allow_leak"])
        found = duplicates.find(conversion, prefixes, allow_leak=allow_leak)
        for chunk, dropped in found.dropped.items():
            shards[chunk] = publish.stage_without(
                conversion.folder, chunk, shard=shards[chunk], dropped=dropped
            )
        described = _describe(conversion.plan, shards, found)
        return Totals(ok, failed, shards, described)

    def refuse(self, total: Totals) -> Refusal | None:
        """Returns why the data set must not be completed; None where it may."""
        info = total.described.info
        for name, split in info.splits.items():
            why = gates.check(
                planned=split.read,
                failed=split.rejected,
                max_error_rate=self.max_error_rate,
            )
            if why is not None:
                return Refusal(why=f"split {name}: {why}", failures=info.rejected)
        content = self.conversion.plan.content
        if not content.are_values_named and (
            why := understood.doubt(info.label_pixels)
        ):
            return Refusal(why=why, failures={}, cure=understood.CURE)
        return None

    def publish(self, total: Totals, counts: Counts, attempt: Attempt) -> None:
        """Names the shards, describes them, says COMPLETED."""
        publish.write_tables(self.conversion.folder, total.described)
        publish.publish(self.conversion, total.shards, total.described)

    def record_refusal(self, total: Totals, refusal: Refusal, counts: Counts) -> None:
        """Writes down what was rejected."""
        publish.write_tables(self.conversion.folder, total.described)


def _describe(
    plan: ConvertPlan, shards: Sequence[StagedShard], found: Duplicates
) -> Described:
    """Returns the data set's description, its rejected lines and its warnings.

    Raises:
        SystemicFault: Lines are not accounted for.
    """
    waiting = iter(shards)
    splits, rejected = {}, list[tuple[str, Rejected]]()
    for name, planned in plan.splits.items():
        mine = [next(waiting) for _ in range(planned.shards)]
        rows = [*planned.rejected, *(row for shard in mine for row in shard.rejected)]
        splits[name] = _split(name, planned, shards=mine, rejected=len(rows))
        rejected += [(name, row) for row in rows]
    content = plan.content
    classes, pixels = content.classes, Counter[int]()
    for shard in shards:
        pixels.update(shard.pixels)
    if classes is None and content.task == "segmentation":
        highest = max((n for n in pixels if n != content.void), default=0)
        classes = [f"class_{class_id}" for class_id in range(highest + 1)]
    info = dataset_info.DatasetInfo(
        dataset=content.dataset,
        task=content.task,
        classes=classes,
        void=content.void,
        splits=splits,
        rejected=_by_reason(rejected),
        warnings=_by_reason(found.warnings),
        pixels={str(value): pixels[value] for value in sorted(pixels)},
        remarks=content.remarks,
        settings=plan.settings,
        fingerprint=dataset_info.fingerprint(splits),
    )
    return Described(info, rejected, found.warnings)


def _by_reason(rows: Sequence[tuple[str, Rejected]]) -> dict[str, int]:
    return dict(sorted(Counter(row.reason for _, row in rows).items()))


def _split(
    name: str,
    planned: PlannedSplit,
    *,
    shards: Sequence[StagedShard],
    rejected: int,
) -> dataset_info.Split:
    records = sum(shard.records for shard in shards)
    try:
        return dataset_info.Split(
            read=planned.read,
            records=records,
            rejected=rejected,
            published=planned.published,
            shards=planned.shards,
            files=[
                dataset_info.Shard(
                    name=shard_name(name, number, shards=planned.shards),
                    records=shard.records,
                    bytes=shard.bytes,
                    sha256=shard.sha256,
                )
                for number, shard in enumerate(shards)
            ],
        )
    except ValueError as error:
        raise SystemicFault(
            f"split {name}: read {planned.read}, but {rejected} rejected and "
            f"{records} written; nothing is published"
        ) from error


def read_verdict(folder: DatasetFolder) -> dataset_info.DatasetInfo:
    """Returns the description of a finished data set.

    Raises:
        AboveThreshold: It is not completed, and why.
    """
    refusal = read_refusal(folder.refusal)
    if refusal is None or files.exists(folder.completed):
        return read_info(folder)
    raise AboveThreshold(
        f"{folder.out} is not completed: {refusal.why}{reasons(refusal.failures)}; "
        f"{refusal.cure or _CURE}"
    )
