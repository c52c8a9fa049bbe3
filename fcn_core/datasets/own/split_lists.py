"""Lists of which photos are in which split, as people and data sets write them.

A line names a photo by its id, its path or its file name, with or without an extension;
what follows behind a blank, a tab or a comma (a mask, a number) is left out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.listing import Split
from fcn_core.datasets.own.pairing import Notes
from fcn_core.datasets.tables import encoding_of
from fcn_core.names import composed, stem

_BREAK: Final = re.compile(r"[\s,;]+")
_SHOWN: Final = 60


@dataclass
class _Names:
    """The ids that are known, by all that a line may call them."""

    ids: dict[str, None]
    by_name: dict[str, str] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, ids: Iterable[str]) -> "_Names":
        names = cls(dict.fromkeys(ids))
        for source_id in names.ids:
            name = source_id.rpartition("/")[2]
            if name in names.by_name:
                names.ambiguous.add(name)
            names.by_name[name] = source_id
        return names

    def find(self, text: str) -> str | None:
        """Returns the id that a text names, None where it names none or several."""
        path = composed(text.removeprefix("./").strip("/"))
        for source_id in (path, stem(path)):
            if source_id in self.ids:
                return source_id
        for name in (path.rpartition("/")[2], stem(path).rpartition("/")[2]):
            if name in self.by_name and name not in self.ambiguous:
                return self.by_name[name]
        return None


def deal_listed(
    notes: Notes, rejected: Sequence[BadRecord], lists: Mapping[str, bytes]
) -> tuple[dict[str, Split], int]:
    """Divides entries by lists.

    Args:
        notes: Of the entries, by id.
        rejected: What cannot be tried; it counts for the split that lists it.
        lists: The bytes of each split's list.

    Returns:
        The splits, and how many entries no list names.
    """
    bad = {record.source_id: record for record in reversed(rejected)}
    names = _Names.of([*notes, *bad])
    splits, listed = {}, set[str]()
    for split, data in lists.items():
        ids, refused = _read(data, names, path=split)
        listed.update(ids)
        usable = [source_id for source_id in ids if source_id in notes]
        refused += [bad[source_id] for source_id in ids if source_id not in notes]
        splits[split] = Split(
            ids=tuple(usable),
            notes=tuple(notes[source_id] for source_id in usable),
            rejected=tuple(refused),
        )
    return splits, len(set(notes) - listed)


def _read(
    data: bytes, names: _Names, *, path: str
) -> tuple[list[str], list[BadRecord]]:
    """Returns the ids of a list in its order, and the lines that name none."""
    text = data.decode(encoding_of(data), "backslashreplace")
    bad = partial(BadRecord, stage="list", path=path)
    ids: dict[str, None] = {}
    refused = []
    for number, line in enumerate(text.splitlines(), start=1):
        whole = line.strip()
        if not whole:
            continue
        found = next(filter(None, map(names.find, _beginnings(whole))), None)
        if not found:
            detail = f"line {number} names {whole[:_SHOWN]!a}, no such photo"
            refused.append(bad("missing-image", detail, source_id=stem(whole)))
        elif found in ids:
            detail = f"line {number} lists it again"
            refused.append(bad("duplicate-id", detail, source_id=found))
        else:
            ids[found] = None
    return list(ids), refused


def _beginnings(line: str) -> list[str]:
    """Returns a line, and what stands before each of its breaks, the longest first."""
    ends = [match.start() for match in _BREAK.finditer(line)]
    return [line, *(line[:end] for end in reversed(ends))]
