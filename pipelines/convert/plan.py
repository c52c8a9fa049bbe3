"""The frozen plan of a conversion: which entries go to which shard of which split.

An entry's shard is decided by the hash of its id, and entries are sorted inside a
shard, so the shards' bytes depend neither on the order of a list nor on who converts
what. The plan is created once in a folder of ours inside the output; whoever comes
second, after a kill or at the same time, goes on with the same plan or is told what
differs.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from fcn_core.datasets.listing import Split
from fcn_core.records import dataset_info
from pipelines import files
from pipelines.convert import pieces as convert_pieces
from pipelines.convert.drafts.draft import Content, Draft
from pipelines.convert.pieces import ENTRIES_PER_SHARD, Piece, work_uri
from pipelines.faults import SystemicFault, UsageError


class Rejected(BaseModel):
    """A row of `rejected.parquet`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    path: str
    stage: str
    reason: str
    detail: str


class PlannedSplit(BaseModel):
    """A split as the lists had it.

    Attributes:
        read: Lines that name something.
        shards: Files to write.
        published: Entries of the published split, where it is known.
        rejected: Lines that cannot be used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    read: int
    shards: int
    published: int | None
    rejected: tuple[Rejected, ...]


class ConvertPlan(BaseModel):
    """What a conversion is to do, decided once.

    Attributes:
        plan_id: Hash of everything below; parts carry it.
        settings: What decides the bytes; the same output must have the same.
        content: What the data set is.
        splits: By name, in the order in which their shards are numbered.
        pieces: Files that hold the entries of every shard.
        chunks: Shards of all splits.
        planned: Entries of all splits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[2] = 2
    plan_id: str
    settings: dict[str, JsonValue]
    content: Content
    splits: dict[str, PlannedSplit]
    pieces: tuple[Piece, ...]
    chunks: int
    planned: int


class Conversion(BaseModel):
    """A planned conversion, ready to run.

    Attributes:
        out: The output.
        plan: What to do; None where the output is complete already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: str
    plan: ConvertPlan | None


def plan_conversion(
    draft: Draft, output: str, *, num_shards: int | None, allow_leak: bool
) -> Conversion:
    """Freezes the plan of a conversion, or finds it frozen, or all of it done.

    Args:
        draft: What the person asked for.
        output: The folder for the records.
        num_shards: Files a split; by its size if None.
        allow_leak: Whether two splits may share photos.

    Raises:
        UsageError: the output was begun with other settings, or cannot be written.
    """
    out = files.to_uri(output)
    shards = {
        name: num_shards or max(1, -(-len(split.ids) // ENTRIES_PER_SHARD))
        for name, split in draft.splits.items()
    }
    settings: dict[str, JsonValue] = {
        **draft.settings,
        "allow_leak": allow_leak,
        "lists": {name: _sha256(split) for name, split in draft.splits.items()},
        "num_shards": dict(shards),
    }
    if files.exists(files.join(out, dataset_info.COMPLETED_NAME)):
        info = read_info(out)
        check_same_settings(out, info.settings, settings)
        remove_work(out)  # a kill may have come between the last two steps
        return Conversion(out=out, plan=None)
    files.check_writable(out)
    if not files.exists(work_uri(out, "plan.json")):
        _check_no_strangers(out)
        _freeze(out, draft, settings, shards)
    plan = read_plan(out)
    check_same_settings(out, plan.settings, settings)
    return Conversion(out=out, plan=plan)


def read_info(out: str) -> dataset_info.DatasetInfo:
    """Returns the description of a complete output."""
    uri = files.join(out, dataset_info.INFO_NAME)
    return dataset_info.parse_dataset_info(files.read_bytes(uri), uri)


def remove_work(out: str) -> None:
    """Removes our own folder; a complete output does not need it."""
    files.remove_folder(work_uri(out))


def read_plan(out: str) -> ConvertPlan:
    """Returns the frozen plan of an output.

    Raises:
        SystemicFault: it is damaged.
    """
    uri = work_uri(out, "plan.json")
    try:
        plan = ConvertPlan.model_validate_json(files.read_bytes(uri))
    except ValueError as error:
        raise SystemicFault(convert_pieces.damaged(uri)) from error
    if _plan_id(plan.model_dump(mode="json")) != plan.plan_id:
        raise SystemicFault(convert_pieces.damaged(uri))
    return plan


def check_same_settings(
    out: str, planned: Mapping[str, JsonValue], got: Mapping[str, JsonValue]
) -> None:
    """Refuses to go on with an output under other settings.

    Raises:
        UsageError: names the first difference.
    """
    for name in dict.fromkeys((*got, *planned)):
        before, now = planned.get(name), got.get(name)
        if before == now:
            continue
        if name == "lists":
            raise UsageError(
                f"--input: the lists of entries are not those that {out} was begun "
                "with; choose another --output"
            )
        raise UsageError(
            f"--{name}: got {json.dumps(now)}, expected {json.dumps(before)} as "
            f"{out} was begun with; repeat it, or choose another --output"
        )


def _check_no_strangers(out: str) -> None:
    names = files.list_names(out)
    if any(n.endswith(".tfrecord") or n == dataset_info.INFO_NAME for n in names):
        raise UsageError(
            f"--output {out}: got a folder with another program's records, expected "
            "an empty or new one; readers would mix them up"
        )


def _freeze(
    out: str,
    draft: Draft,
    settings: Mapping[str, JsonValue],
    shards: Mapping[str, int],
) -> None:
    """Writes the plan unless another launch is faster; the entries first."""
    pieces = convert_pieces.write(out, draft.splits, shards)
    splits = {
        name: {
            "read": split.read,
            "shards": shards[name],
            "published": split.published,
            "rejected": [bad.row() for bad in split.rejected],
        }
        for name, split in draft.splits.items()
    }
    content = {
        "schema_version": 2,
        "settings": dict(settings),
        "content": draft.content.model_dump(mode="json"),
        "splits": splits,
        "pieces": [piece.model_dump() for piece in pieces],
        "chunks": sum(shards.values()),
        "planned": sum(len(split.ids) for split in draft.splits.values()),
    }
    plan = ConvertPlan.model_validate({**content, "plan_id": _plan_id(content)})
    text = plan.model_dump_json(indent=1)
    files.create_once(work_uri(out, "plan.json"), text.encode())


def _sha256(split: Split) -> str:
    """Returns what tells a split from another, whatever the order of its lists."""
    digest = hashlib.sha256()
    for entry in sorted(zip(split.ids, split.notes, strict=True)):
        digest.update("\t".join(entry).encode() + b"\n")
    for bad in sorted(map(str, split.rejected)):
        digest.update(bad.encode() + b"\n")
    return digest.hexdigest()


def _plan_id(content: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in content.items() if key != "plan_id"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
