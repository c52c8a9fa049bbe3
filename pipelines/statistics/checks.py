"""Whether records are what their schema says, column by column; and their labels.

What is wrong is a finding: a sentence, how many records it is true of, and the ids of
some. The photos themselves are not read here: the hash of their whole shard is
compared with the one that the converter, which decoded each, wrote down. Schemas and
features are protobufs, for which there are no types.
"""

import functools
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from fcn_core.bad_image import BadImage
from fcn_core.datasets.votes import moments
from fcn_core.images.masks import decode_mask
from fcn_core.metrics.tallies import Sums
from fcn_core.records.record import SegmentationRecord, keys

_IDS: Final = 3
_CLASS_IDS: Final = 256
_KEYS: Final = keys(SegmentationRecord)

Found = tuple[str, NDArray[np.bool_]]
"""A sentence, and which rows of a batch it is true of."""


class Findings(Sums):
    """What is wrong: a monoid.

    Attributes:
        counts: Sentence -> records.
        ids: Sentence -> the first ids in their order.
    """

    counts: dict[str, int] = Field(default_factory=dict)
    ids: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def __add__(self, other: "Findings") -> "Findings":
        counts, ids = dict(self.counts), dict(self.ids)
        for what, count in other.counts.items():
            counts[what] = counts.get(what, 0) + count
            first = sorted({*ids.get(what, ()), *other.ids[what]})
            ids[what] = tuple(first[:_IDS])
        return Findings(counts=counts, ids=ids)

    @classmethod
    def of(
        cls, what: str, ids: Sequence[str], *, count: int | None = None
    ) -> "Findings":
        """Returns a sentence that is true of some records.

        Args:
            what: The sentence.
            ids: Of the records.
            count: How many they are; as many as ids if None.
        """
        counts = {what: len(ids) if count is None else count}
        return cls(counts=counts, ids={what: tuple(sorted(ids)[:_IDS])})

    def result(self) -> list[dict[str, JsonValue]]:
        """Returns the findings for `fcn stats --json`, the most frequent first."""
        order = sorted(self.counts, key=lambda what: (-self.counts[what], what))
        return [
            {"what": what, "records": self.counts[what], "ids": list(self.ids[what])}
            for what in order
        ]


def check_schema(batch: pa.RecordBatch, schema: Any) -> Iterator[Found]:
    """Yields what differs from a tensorflow-metadata `Schema`; see `Found`."""
    for feature in schema.feature:
        name, column = feature.name, batch.column(feature.name)
        missing = np.asarray(pc.is_null(column), bool)
        if feature.presence.min_fraction == 1 and missing.any():
            yield f"{name} is missing", missing
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0))
        low, high = _allowed_lengths(feature)
        wrong = ~missing & ((lengths < low) | (lengths > high))
        if wrong.any():
            expected = f"{low}" if low == high else f"{low}..{high:g}"
            yield f"{name} has a wrong number of values, expected {expected}", wrong
        yield from _check_values(feature, column)


def _allowed_lengths(feature: Any) -> tuple[int, float]:
    if feature.HasField("shape"):
        size = int(np.prod([dim.size for dim in feature.shape.dim], dtype=np.int64))
        return size, size
    return feature.value_count.min, feature.value_count.max or float("inf")


def _check_values(feature: Any, column: pa.Array) -> Iterator[Found]:
    values = pc.list_flatten(column)
    rows = np.asarray(pc.list_parent_indices(column))
    domain_kind = feature.WhichOneof("domain_info")
    domain: Any = getattr(feature, domain_kind) if domain_kind else None
    if domain_kind in ("int_domain", "float_domain"):
        numbers = np.asarray(values)
        # NaN is neither below nor above: it stands for "not known".
        outside = np.zeros(len(numbers), bool)
        if domain.HasField("min"):
            outside |= numbers < domain.min
        if domain.HasField("max"):
            outside |= numbers > domain.max
        if outside.any():
            ending = f"..{domain.max:g}" if domain.HasField("max") else " or more"
            what = f"{feature.name} is outside {domain.min:g}{ending}"
            yield what, _rows(rows[outside], len(column))
    elif domain_kind == "string_domain":
        allowed = pa.array([v.encode() for v in domain.value], values.type)
        unknown = ~np.asarray(pc.is_in(values, allowed), bool)
        if unknown.any():
            what = f"{feature.name} is not one of {', '.join(domain.value)}"
            yield what, _rows(rows[unknown], len(column))


def _rows(indices: NDArray[np.integer], count: int) -> NDArray[np.bool_]:
    chosen = np.zeros(count, bool)
    chosen[indices] = True
    return chosen


@dataclass(frozen=True)
class Label:
    """One label as its PNG has it.

    Attributes:
        counts: Pixels by class id, `[256]` int64; None where it cannot be used.
        wrong: What is wrong with it, if anything.
    """

    counts: NDArray[np.int64] | None
    wrong: str | None


def read_labels(
    batch: pa.RecordBatch, *, classes: int, void: int, pool: Executor
) -> list[Label]:
    """Decodes and checks the labels of a batch whose schema was checked.

    Args:
        batch: With the columns of a segmentation record.
        classes: Number of classes.
        void: The value that is no class.
        pool: Decodes them; zlib needs no lock of the interpreter.
    """
    names = ("label", "height", "width", "classes")
    columns = [batch.column(_KEYS[name]).to_pylist() for name in names]
    read = functools.partial(_read_label, classes=classes, void=void)
    return list(pool.map(read, zip(*columns, strict=True)))


def _read_label(
    row: tuple[list[bytes], list[int], list[int], list[int]], *, classes: int, void: int
) -> Label:
    (png,), (height,), (width,), listed = row
    try:
        class_map = decode_mask(png)
    except BadImage as bad:
        return Label(None, f"the label does not decode: {bad.reason}")
    if class_map.shape != (height, width):
        return Label(None, "the label has another size than the photo")
    counts = np.bincount(class_map.ravel(), minlength=_CLASS_IDS)
    present = [i for i in np.flatnonzero(counts).tolist() if i != void]
    if present and present[-1] >= classes:
        return Label(None, f"the label has a class id of {classes} or more")
    if [i for i in present if i] != listed:
        return Label(counts, "the label has other classes than its record lists")
    return Label(counts, None)


class Rating(NamedTuple):
    """The columns of a rated record that follow from its votes, and its label."""

    votes: list[int]
    vote_count: int
    mean: float
    std: float
    label: int


def check_ratings(ratings: Sequence[Rating]) -> Iterator[Found]:
    """Yields whose numbers contradict their votes; see `Found`."""
    for what, wrong in (
        (
            "the number of votes is not their sum",
            [row.vote_count != sum(row.votes) for row in ratings],
        ),
        (
            "mean or std do not follow from the votes",
            [
                sum(row.votes) > 0 and moments(row.votes) != (row.mean, row.std)
                for row in ratings
            ],
        ),
    ):
        if any(wrong):
            yield what, np.array(wrong, bool)
