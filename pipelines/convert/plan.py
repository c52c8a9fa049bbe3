"""The frozen plan of a conversion: which entries go to which shard of which split.

An entry's shard is decided by the hash of its id, and entries are sorted inside a
shard, so the shards' bytes depend neither on the order of a list nor on who converts
what. The plan is created once in a folder of ours inside the output.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import JsonValue

from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.listing import Split
from fcn_core.records import dataset_info
from pipelines import files
from pipelines.chunks import frozen
from pipelines.chunks.frozen import Frozen, Identified
from pipelines.chunks.parts import Parts
from pipelines.chunks.pieces import Piece, Pieces
from pipelines.convert import entries
from pipelines.convert.drafts.draft import Content, Draft
from pipelines.convert.layout import DatasetFolder
from pipelines.convert.rows import ENTRIES_SCHEMA, EntryRow
from pipelines.faults import UsageError

_START_OVER: Final = "remove the output folder and convert again"
_MAKE_AGAIN: Final = "remove it, and the same command makes the shard again"


class Rejected(Frozen):
    """A row of `rejected.parquet` or `warnings.parquet`, without its split."""

    id: str
    path: str
    stage: str
    reason: str
    detail: str

    @classmethod
    def of(cls, bad: BadRecord) -> "Rejected":
        """Returns why an entry cannot become a record."""
        return cls.model_validate(bad.row())

    def row(self) -> EntryRow:
        """Returns it as a row of a part."""
        return EntryRow(
            id=self.id,
            status="failed",
            path=self.path,
            error_stage=self.stage,
            error_reason=self.reason,
            error_detail=self.detail,
        )


class PlannedSplit(Frozen):
    """A split as the lists had it.

    Attributes:
        read: Lines that name something.
        shards: Files to write.
        published: Entries of the published split, where it is known.
        rejected: Lines that cannot be used.
    """

    read: int
    shards: int
    published: int | None
    rejected: tuple[Rejected, ...]


class ConvertPlan(Identified):
    """What a conversion is to do, decided once.

    Attributes:
        plan_id: Hash of everything below; parts carry it.
        settings: What decides the bytes; the same output must have the same. Each data
            set has settings of its own, so they are names and JSON values.
        content: What the data set is.
        splits: By name, in the order in which their shards are numbered.
        pieces: Files that hold the entries of every shard.
        chunks: Shards of all splits.
        planned: Entries of all splits.
    """

    schema_version: Literal[3] = 3
    plan_id: str = ""
    settings: dict[str, JsonValue]
    content: Content
    splits: dict[str, PlannedSplit]
    pieces: tuple[Piece, ...]
    chunks: int
    planned: int


@dataclass(frozen=True)
class Conversion:
    """A planned conversion, ready to run."""

    folder: DatasetFolder
    plan: ConvertPlan

    def entries(self) -> Pieces:
        """Returns a reader of its entries, see `entries.read`."""
        return Pieces(self.folder.work, self.plan.pieces, cure=_START_OVER)

    @property
    def parts(self) -> Parts:
        """Its parts."""
        folder, plan_id = self.folder.parts, self.plan.plan_id
        return Parts(folder, plan_id, schema=ENTRIES_SCHEMA, cure=_MAKE_AGAIN)


def plan_conversion(
    draft: Draft, output: str, *, num_shards: int | None, allow_leak: bool
) -> Conversion | None:
    """Freezes the plan of a conversion, or finds it frozen; None where all is done.

    Args:
        draft: What the person asked for.
        output: The folder for the records.
        num_shards: Files a split; chosen by its size if None.
        allow_leak: Whether two splits may share photos.

    Raises:
        UsageError: The output was begun with other settings, or cannot be written.
    """
    folder = DatasetFolder(files.to_uri(output))
    shards = {
        name: num_shards or max(1, -(-len(split.ids) // entries.ENTRIES_PER_SHARD))
        for name, split in draft.splits.items()
    }
    settings: dict[str, JsonValue] = {
        **draft.settings,
        "allow_leak": allow_leak,
        "lists": {name: _sha256(split) for name, split in draft.splits.items()},
        "num_shards": dict(shards),
    }
    if files.exists(folder.completed):
        _check_same_settings(folder, read_info(folder).settings, settings)
        folder.sweep()  # a kill may have come between the last steps
        return None
    files.check_writable(folder.out)
    plan = read_plan(folder)
    if plan is None:
        _check_no_strangers(folder)
        plan = _freeze(folder, draft, settings=settings, shards=shards)
    _check_same_settings(folder, plan.settings, settings)
    return Conversion(folder, plan)


def read_info(folder: DatasetFolder) -> dataset_info.DatasetInfo:
    """Returns the description of a complete output."""
    uri = folder.file(dataset_info.INFO_NAME)
    return dataset_info.parse_dataset_info(files.read_bytes(uri), uri)


def read_plan(folder: DatasetFolder) -> ConvertPlan | None:
    """Returns the frozen plan of an output; None where there is none.

    Raises:
        SystemicFault: It is damaged.
    """
    return frozen.read(folder.plan, ConvertPlan, cure=_START_OVER)


def _check_same_settings(
    folder: DatasetFolder, planned: Mapping[str, Any], got: Mapping[str, Any]
) -> None:
    if {**planned, "lists": got["lists"]} == got and planned != got:
        raise UsageError(
            f"--input: the lists of entries are not those that {folder.out} was begun "
            "with; choose another --output"
        )
    frozen.check_same(
        planned,
        got,
        flag="--",
        cure=f"as {folder.out} was begun with; repeat it, or choose another --output",
    )


def _check_no_strangers(folder: DatasetFolder) -> None:
    names = files.list_names(folder.out)
    if any(n.endswith(".tfrecord") or n == dataset_info.INFO_NAME for n in names):
        raise UsageError(
            f"--output {folder.out}: got a folder with another program's records, "
            "expected an empty or new one; readers would mix them up"
        )


def _freeze(
    folder: DatasetFolder,
    draft: Draft,
    *,
    settings: dict[str, JsonValue],
    shards: Mapping[str, int],
) -> ConvertPlan:
    """Writes the plan unless another launch is faster; returns the one that stands."""
    plan = ConvertPlan(
        settings=settings,
        content=draft.content,
        splits={
            name: PlannedSplit(
                read=split.read,
                shards=shards[name],
                published=split.published,
                rejected=tuple(map(Rejected.of, split.rejected)),
            )
            for name, split in draft.splits.items()
        },
        pieces=entries.write(folder.work, draft.splits, shards),
        chunks=sum(shards.values()),
        planned=sum(len(split.ids) for split in draft.splits.values()),
    ).identified()
    files.create_once(folder.plan, plan.encode())
    return read_plan(folder) or plan


def _sha256(split: Split) -> str:
    """Returns a hash of a split's entries, whatever the order of its lists."""
    digest = hashlib.sha256()
    for entry in sorted(zip(split.ids, split.notes, strict=True)):
        digest.update("\t".join(entry).encode() + b"\n")
    for bad in sorted(map(str, split.rejected)):
        digest.update(bad.encode() + b"\n")
    return digest.hexdigest()
