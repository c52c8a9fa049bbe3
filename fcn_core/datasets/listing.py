"""What a data set's lists ask for: entries by split, and the lines that name none."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from fcn_core.datasets.bad_record import BadRecord


class Entry(NamedTuple):
    """One thing to convert.

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
