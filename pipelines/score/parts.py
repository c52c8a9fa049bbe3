"""What the parts of a night add up to, and which of its photos failed.

A part holds the rows of one chunk; `publish` merges the parts into the table that
readers see.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from fcn_core.bad_image import TRANSIENT_REASONS
from pipelines.chunks.counts import Counts
from pipelines.chunks.parts import Part
from pipelines.faults import SystemicFault
from pipelines.score import index, keys, masks, pruned, statistics
from pipelines.score.items import items_sha256
from pipelines.score.keys import Keys, keys_of
from pipelines.score.plan import PlannedNight
from pipelines.score.rows import ScoreRow
from pipelines.score.statistics import Statistics

_ITEMS: Final = b"fcn.items_sha256"
_MASKS: Final = b"fcn.masks_bytes"
_MASK_COLUMNS: Final = ("mask_path",)
_COLUMNS: Final = ["image_uri", "version", "error_reason", *statistics.COLUMNS]
_TRANSIENT: Final = pa.array(sorted(TRANSIENT_REASONS))


def write_part(
    night: PlannedNight,
    chunk: int,
    *,
    items: pa.Table,
    rows: Sequence[ScoreRow],
    masks_bytes: int,
) -> bool:
    """Makes a chunk visible; returns whether no earlier attempt did.

    Args:
        night: The night.
        chunk: The chunk's number.
        items: The chunk's planned items.
        rows: One row per item, in the items' order.
        masks_bytes: Size of the files that their masks lie in.

    Raises:
        SystemicFault: The rows are not one per item.
    """
    if [row.image_key for row in rows] != items["image_key"].to_pylist():
        raise SystemicFault(
            f"chunk {chunk}: got {len(rows)} rows, expected one for each of its "
            f"{items.num_rows} items in their order; this is a fault of the program"
        )
    data = encode_part(night, items=items, rows=rows, masks_bytes=masks_bytes)
    return night.parts.add(chunk, data)


def encode_part(
    night: PlannedNight,
    *,
    items: pa.Table,
    rows: Sequence[ScoreRow],
    masks_bytes: int,
) -> bytes:
    """Returns a part as a file.

    Args:
        night: The night.
        items: The chunk's planned items.
        rows: One row per item, in the items' order.
        masks_bytes: Size of the files that their masks lie in.
    """
    failed = sum(row.status == "failed" for row in rows)
    return night.parts.encode(
        [vars(row) for row in rows],
        counts=Counts(ok=len(rows) - failed, failed=failed),
        footer={**_footer(items), _MASKS: str(masks_bytes).encode()},
    )


def find_counts(night: PlannedNight, chunk: int, *, items: pa.Table) -> Counts | None:
    """Returns the outcomes of a chunk's planned items; None where it is not committed.

    Raises:
        SystemicFault: The part is damaged or belongs to something else, or its masks
            are not all there.
    """
    part = find_part(night, chunk, items=items, columns=_MASK_COLUMNS)
    if part is None:
        return None
    check_masks(night, chunk, part)
    return part.counts


def find_part(
    night: PlannedNight, chunk: int, *, items: pa.Table, columns: Sequence[str]
) -> Part | None:
    """Returns the part of a chunk's planned items; None where there is none.

    Raises:
        SystemicFault: The part is damaged or belongs to something else.
    """
    planned, expected = items.num_rows, _footer(items)
    return night.parts.find(chunk, planned=planned, expected=expected, columns=columns)


def check_masks(night: PlannedNight, chunk: int, part: Part) -> None:
    """Compares the size of a chunk's masks with what it was.

    Args:
        night: The night.
        chunk: The chunk's number.
        part: Its part, read with the column `mask_path`.

    Raises:
        SystemicFault: It is another one, and no rule has removed them.
    """
    got = masks.total_bytes(night.out, part.rows["mask_path"].drop_null().to_pylist())
    expected = size_of_masks(part)
    if expected != got and pruned.find(night.folder) is None:
        raise SystemicFault(
            f"{night.folder.masks}: got masks of chunk {chunk} with {got} bytes, "
            f"expected {expected}; {night.cure}"
        )


def size_of_masks(part: Part) -> int:
    """Returns the size of the files that the masks of a part were written into."""
    return int(part.footer[_MASKS])


def _footer(items: pa.Table) -> dict[bytes, bytes]:
    return {_ITEMS: items_sha256(items).encode()}


@dataclass(frozen=True)
class Totals:
    """What the committed parts of a night add up to.

    Attributes:
        ok: Photos with a result.
        failed: Photos with a reason.
        failures: Number of photos for each reason.
        retries: Keys of the failed photos whose reason may pass, which later nights
            try again, one after the other.
        parts: The sha256 of each part, 32 bytes each, one after the other.
        statistics: What gates judge them by.
    """

    ok: int
    failed: int
    failures: dict[str, int]
    retries: bytes
    parts: bytes
    statistics: Statistics

    @property
    def transient(self) -> int:
        """Number of the failed photos whose reason may pass."""
        return len(self.retries) // keys.BYTES


def add_up(night: PlannedNight) -> Totals:
    """Counts the rows of all parts.

    Raises:
        SystemicFault: A part is missing or damaged.
    """
    ok, reasons = 0, Counter[str]()
    retries, hashes, counted = bytearray(), bytearray(), statistics.Sum()
    for part in night.parts.each(range(night.plan.chunks), columns=_COLUMNS):
        hashes += bytes.fromhex(part.sha256)
        counted.add_rows(part.rows, part.bytes + int(part.footer[_MASKS]))
        failed = part.rows.filter(pc.equal(part.rows["status"], "failed"))
        ok += pc.sum(pc.equal(part.rows["status"], "ok")).as_py() or 0
        reasons.update(failed["error_reason"].to_pylist())
        may_pass = failed.filter(pc.is_in(failed["error_reason"], _TRANSIENT))
        retries += keys_of(may_pass).tobytes()
    return Totals(
        ok=ok,
        failed=reasons.total(),
        failures=dict(sorted(reasons.items())),
        retries=bytes(retries),
        parts=bytes(hashes),
        statistics=counted.total(),
    )


def transient_failures(night: PlannedNight) -> Iterator[Keys]:
    """Yields keys of a committed night's failures that may pass.

    Raises:
        SystemicFault: Their file is missing or damaged.
    """
    commit = night.commit()
    if commit is not None:
        yield from index.read(night.folder.pieces, commit.retries, cure=night.cure)
