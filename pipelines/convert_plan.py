"""The frozen plan of a conversion: which ids go to which shard of which split.

An id's shard is decided by its hash, and ids are sorted inside a shard, so the shards'
bytes depend neither on the order of a list nor on who converts what. The plan is
created once in a folder of ours inside the output; whoever comes second, after a kill
or at the same time, goes on with the same plan or is told what differs.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, JsonValue

from fcn_core import dataset_info
from fcn_core.datasets import voc
from fcn_core.datasets.splits import IdList
from pipelines import files
from pipelines.config import ConvertVocConfig
from pipelines.convert_lists import check_leaks, read_lists
from pipelines.faults import SystemicFault, UsageError

IDS_PER_SHARD: Final = 256
_WORK: Final = "_convert"

_SHARDS_SCHEMA: Final = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("ids", pa.list_(pa.string()), nullable=False),
    ]
)
"""One row a chunk of the job: a shard of a split and its ids, sorted."""


class Rejected(BaseModel):
    """A row of `rejected.parquet`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    path: str
    stage: str
    reason: str
    detail: str


class PlannedSplit(BaseModel):
    """A list as it was read.

    Attributes:
        read: Lines that name something.
        shards: Files to write.
        published: Ids of the published list, where it is known.
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
        splits: By name, in the order in which their shards are numbered.
        shards_sha256: Names the file that holds the ids of every shard.
        chunks: Shards of all splits.
        planned: Ids of all splits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    plan_id: str
    settings: dict[str, JsonValue]
    splits: dict[str, PlannedSplit]
    shards_sha256: str
    chunks: int
    planned: int


class Conversion(BaseModel):
    """A planned conversion, ready to run.

    Attributes:
        root: The data set's folder.
        out: The output.
        plan: What to do; None where the output is complete already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: str
    out: str
    plan: ConvertPlan | None


def work_uri(out: str, *names: str) -> str:
    """Returns the URI of something in our own folder of an output."""
    return files.join(out, _WORK, *names)


def remove_work(out: str) -> None:
    """Removes our own folder; a complete output does not need it."""
    files.remove_folder(work_uri(out))


def plan_conversion(config: ConvertVocConfig) -> Conversion:
    """Reads the lists and freezes the plan, or finds it frozen, or all of it done.

    Raises:
        UsageError: the command cannot mean what it says.
    """
    root, out = files.to_uri(config.input), files.to_uri(config.output)
    lists = read_lists(root, config.split)
    check_leaks(lists, allowed=config.allow_leak)
    shards = {
        name: config.num_shards or max(1, -(-len(ids.ids) // IDS_PER_SHARD))
        for name, ids in lists.items()
    }
    settings: dict[str, JsonValue] = {
        "dataset": "voc",
        "input": root,
        "split": list(lists),
        "lists": {name: _list_sha256(ids) for name, ids in lists.items()},
        "num_shards": dict(shards),
    }
    if files.exists(files.join(out, dataset_info.COMPLETED_NAME)):
        info = dataset_info.read_dataset_info(files.to_path(out))
        check_same_settings(out, info.settings, settings)
        remove_work(out)  # a kill may have come between the last two steps
        return Conversion(root=root, out=out, plan=None)
    files.check_writable(out)
    if not files.exists(work_uri(out, "plan.json")):
        _check_no_strangers(out)
        _freeze(out, settings, lists, shards)
    plan = read_plan(out)
    check_same_settings(out, plan.settings, settings)
    return Conversion(root=root, out=out, plan=plan)


def read_plan(out: str) -> ConvertPlan:
    """Returns the frozen plan of an output.

    Raises:
        SystemicFault: it is damaged.
    """
    uri = work_uri(out, "plan.json")
    try:
        plan = ConvertPlan.model_validate_json(files.read_bytes(uri))
    except ValueError as error:
        raise SystemicFault(_damaged(uri)) from error
    if _plan_id(plan.model_dump(mode="json")) != plan.plan_id:
        raise SystemicFault(_damaged(uri))
    return plan


def read_shard(out: str, plan: ConvertPlan, chunk: int) -> tuple[str, int, list[str]]:
    """Returns split, shard number and ids of a chunk.

    Raises:
        SystemicFault: the plan's file of ids is damaged.
    """
    table = _open_shards(work_uri(out, _shards_name(plan)), plan.shards_sha256)
    split, shard, ids = (table.column(i)[chunk].as_py() for i in range(3))
    return split, shard, ids


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
                f"--input: the lists of ids are not those that {out} was begun with; "
                "choose another --output"
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
    settings: Mapping[str, JsonValue],
    lists: Mapping[str, IdList],
    shards: Mapping[str, int],
) -> None:
    """Writes the plan unless another launch is faster; the ids first."""
    rows = [
        {"split": name, "shard": number, "ids": ids}
        for name, listed in lists.items()
        for number, ids in enumerate(_deal(listed.ids, shards[name]))
    ]
    buffer = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=_SHARDS_SCHEMA)
    pq.write_table(table, buffer, compression="zstd")
    splits = {
        name: {
            "read": listed.read,
            "shards": shards[name],
            "published": voc.PUBLISHED.get(name),
            "rejected": [bad.row() for bad in listed.rejected],
        }
        for name, listed in lists.items()
    }
    content = {
        "schema_version": 1,
        "settings": dict(settings),
        "splits": splits,
        "shards_sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
        "chunks": len(rows),
        "planned": sum(len(listed.ids) for listed in lists.values()),
    }
    plan = ConvertPlan.model_validate({**content, "plan_id": _plan_id(content)})
    files.create_once(work_uri(out, _shards_name(plan)), buffer.getvalue())
    text = plan.model_dump_json(indent=1)
    files.create_once(work_uri(out, "plan.json"), text.encode())


def _deal(ids: Sequence[str], shards: int) -> list[list[str]]:
    """Returns the sorted ids of each shard."""
    dealt: list[list[str]] = [[] for _ in range(shards)]
    for source_id in sorted(ids):
        digest = hashlib.sha256(source_id.encode()).digest()
        dealt[int.from_bytes(digest[:8]) % shards].append(source_id)
    return dealt


def _list_sha256(ids: IdList) -> str:
    lines = [*sorted(ids.ids), *(str(bad) for bad in ids.rejected)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _shards_name(plan: ConvertPlan) -> str:
    # Named by its hash: two launches with two lists do not share a file.
    return f"shards-{plan.shards_sha256[:16]}.parquet"


def _plan_id(content: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in content.items() if key != "plan_id"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=2)
def _open_shards(uri: str, sha256: str) -> pa.Table:
    data = files.read_bytes(uri)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SystemicFault(_damaged(uri))
    return pq.read_table(pa.BufferReader(data))


def _damaged(uri: str) -> str:
    return (
        f"{uri}: got a damaged plan, expected what this program wrote; remove the "
        "output folder and convert again"
    )
