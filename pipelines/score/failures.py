"""Photos whose last row failed, over all committed nights of an output."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines import files
from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.keys import uri_keys
from pipelines.score.pending import is_held
from pipelines.score.photos import Chosen, Photos
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.sorting import sort_unique
from pipelines.score.spill import Buckets, KeySpill, Spill, bits_for

_SEQUENCE: Final = pa.field("sequence", pa.int64(), nullable=False)
_FAILED_SCHEMA: Final = pa.schema([*LISTING_SCHEMA, _SEQUENCE])


def still_failed(out: str, earlier: Sequence[Plan]) -> Chosen:
    """Returns the photos whose last row failed, in their version of now.

    What an unfinished night holds is left to it: no photo is ever in two plans.

    Args:
        out: The output.
        earlier: All plans that stand, in their sequence.
    """
    done, failing, unfinished = list[PlannedNight](), set[int](), list[Plan]()
    for plan in earlier:
        night = PlannedNight(out, plan)
        commit = night.commit()
        if commit is None:
            unfinished.append(plan)
        elif commit.failed or failing:  # a row before the first failure changes nothing
            done.append(night)
            failing |= {plan.sequence} if commit.failed else set()
    photos = Photos(_pinned(_last_failures(done, failing)))
    return Chosen(photos, ~is_held(out, photos, unfinished))


def _last_failures(
    done: Sequence[PlannedNight], failing: set[int]
) -> Iterator[pa.Table]:
    """Yields failed items that no later night scored, each URI once, sorted.

    Args:
        done: Committed nights, in their sequence.
        failing: Places in the sequence of those with failed rows.
    """
    bits = bits_for(sum(night.plan.planned for night in done))
    scored = Buckets(bits, has_rows=True)
    rows, keys = Spill(_FAILED_SCHEMA), KeySpill()
    # From the last night to the first: the sort keeps a photo's last failure.
    found = (
        table
        for night in reversed(done)
        for table in _failed_items(
            night, scored, has_failed=night.plan.sequence in failing
        )
    )
    for table in sort_unique(found, _FAILED_SCHEMA):
        for batch in table.to_batches():
            rows.add(batch)
        keys.add(uri_keys(table["image_uri"]))
    first = 0
    is_last = _is_after(keys, rows, scored)
    for number in range(len(rows)):
        table = rows.read([number])
        chosen = is_last[first : first + table.num_rows]
        first += table.num_rows
        yield table.filter(pa.array(chosen)).select(LISTING_SCHEMA.names)


def _failed_items(
    night: PlannedNight, scored: Buckets, *, has_failed: bool
) -> Iterator[pa.Table]:
    """Yields the failed items of a night; notes keys of the others."""
    sequence = night.plan.sequence
    if not has_failed:
        for table in night.items().columns(["image_uri"]):
            scored.add(uri_keys(table["image_uri"]), number=sequence)
        return
    pieces = night.items()
    for chunk in range(night.plan.chunks):
        items = pieces.chunk(chunk).select(LISTING_SCHEMA.names)
        status = night.parts.committed(chunk, columns=["status"]).rows["status"]
        is_failed = pc.equal(status, "failed")
        others = items.filter(pc.invert(is_failed))
        scored.add(uri_keys(others["image_uri"]), number=sequence)
        failed = items.filter(is_failed)
        numbers = pa.array([sequence] * failed.num_rows, pa.int64())
        yield failed.append_column(_SEQUENCE, numbers).cast(_FAILED_SCHEMA)


def _is_after(keys: KeySpill, rows: Spill, scored: Buckets) -> NDArray[np.bool_]:
    """Returns for each failed item whether no later night scored its photo."""
    sequences = [
        rows.read([number])["sequence"].to_numpy() for number in range(len(rows))
    ]
    failed_in = np.concatenate([np.zeros(0, np.int64), *sequences])
    sought, is_last = Buckets.numbered(keys, scored.bits), np.ones(failed_in.size, bool)
    for number in range(len(sought)):
        found, others = sought.read(number), scored.read(number)
        if not found.size or not others.size:
            continue
        # Stable, and the last night came first: the first of a key is its last night.
        others = others[np.argsort(others["key"], kind="stable")]
        places = np.searchsorted(others["key"], found["key"])
        nearest = others[np.minimum(places, others.size - 1)]
        is_later = nearest["row"] > failed_in[found["row"]]
        is_last[found["row"]] = ~((nearest["key"] == found["key"]) & is_later)
    return is_last


def _pinned(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yields items in their version of now.

    A record's offset holds for the planned version of its file only, and stays.
    """
    for table in tables:
        rows = table.to_pylist()
        pins = files.pins(row["image_uri"] for row in rows if row["offset"] is None)
        for row in rows:
            if row["offset"] is None:
                _, row["version"], row["generation"] = next(pins)
        yield pa.Table.from_pylist(rows, schema=LISTING_SCHEMA)
