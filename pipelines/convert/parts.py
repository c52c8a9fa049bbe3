"""The parts of a conversion: the outcome of each shard's entries and its bytes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.chunks.counts import Counts
from pipelines.chunks.parts import Part
from pipelines.convert.plan import Conversion, Rejected
from pipelines.convert.rows import EntryRow

_SHA256: Final = b"fcn.shard_sha256"
_BYTES: Final = b"fcn.shard_bytes"
_PIXELS: Final = b"fcn.label_pixels"


@dataclass(frozen=True)
class StagedShard:
    """A shard whose bytes are staged under a name that has their hash.

    Attributes:
        records: Examples in it.
        bytes: Its size.
        sha256: Of its bytes, in hex.
        pixels: Class id or void -> pixels of its labels that have it.
        rejected: Entries that did not become examples.
    """

    records: int
    bytes: int
    sha256: str
    pixels: dict[int, int]
    rejected: tuple[Rejected, ...]


def write_part(
    conversion: Conversion,
    chunk: int,
    *,
    rows: Sequence[EntryRow],
    shard: StagedShard,
) -> None:
    """Makes a shard count, unless an earlier attempt did."""
    conversion.parts.create(
        chunk,
        [vars(row) for row in rows],
        counts=Counts(ok=shard.records, failed=len(shard.rejected)),
        footer={
            _SHA256: shard.sha256.encode(),
            _BYTES: str(shard.bytes).encode(),
            _PIXELS: json.dumps(list(shard.pixels.items())).encode(),
        },
    )


def shard_of(part: Part) -> StagedShard:
    """Returns the shard of a part that was read with all its columns."""
    return StagedShard(
        records=part.counts.ok,
        bytes=int(part.footer[_BYTES]),
        sha256=part.footer[_SHA256].decode(),
        pixels=dict(json.loads(part.footer[_PIXELS])),
        rejected=tuple(
            Rejected(
                id=row["id"],
                path=row["path"],
                stage=row["error_stage"],
                reason=row["error_reason"],
                detail=row["error_detail"],
            )
            for row in part.rows.to_pylist()
            if row["status"] == "failed"
        ),
    )


def photos_of(part: Part) -> list[str]:
    """Returns the sha256 of each record's photo in hex, in the shard's order."""
    return part.rows["sha256"].drop_null().to_pylist()
