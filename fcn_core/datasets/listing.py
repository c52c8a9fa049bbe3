"""What a data set's lists ask for: entries by split, and the lines that name none."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from fcn_core.datasets.bad_record import BadRecord


class Entry(NamedTuple):
    """One thing to convert.

    Attributes:
        id: its name, unique within its data set.
        note: what the lists say about it, in the data set's own words; "" for nothing.
    """

    id: str
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """One split as the lists have it.

    Attributes:
        ids: of its entries.
        notes: of its entries, in the same order.
        rejected: lines that name no usable entry.
        published: entries of the published data set, where known.
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
        splits: by name.
        remarks: sentences for the person who trains on it.
    """

    splits: Mapping[str, Split]
    remarks: tuple[str, ...] = ()
