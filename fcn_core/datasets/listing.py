"""The entries that a data set's lists name, by split, and the unusable lines."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from fcn_core.datasets.bad_record import BadRecord


class Entry(NamedTuple):
    """One photo to convert, with its target.

    Attributes:
        id: Its name, unique within its data set.
        note: What the lists say about it, in the data set's own words; "" for nothing.
    """

    id: str
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """One split as the lists have it.

    Attributes:
        ids: Of its entries.
        notes: Of its entries, in the same order.
        rejected: Lines that name no usable entry.
        published: Entries of the published data set, where known.
    """

    ids: tuple[str, ...]
    notes: tuple[str, ...]
    rejected: tuple[BadRecord, ...] = ()
    published: int | None = None

    @property
    def read(self) -> int:
        """How many lines name something."""
        return len(self.ids) + len(self.rejected)


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """All splits of a conversion.

    Attributes:
        splits: By name.
        remarks: Sentences for the person who trains on it.
    """

    splits: Mapping[str, Split]
    remarks: tuple[str, ...] = ()
