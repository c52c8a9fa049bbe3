"""AVA (Murray et al., CVPR 2012): the table of votes, and a row as a record.

`AVA.txt` has a line a photo: its number, the photo's id, the votes for ratings 1 to 10,
two tags (0 = none) and the challenge. The photos are `<id>.jpg`; twenty to forty of
the published 255,530 can be found nowhere or do not decode; each becomes a rejected
row, never a fault.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from fcn_core.datasets.bad_record import BadRecord
from fcn_core.labels import RATING_BINS

TABLE_NAME: Final = "AVA.txt"
MAX_TAG: Final = 66
ID: Final = re.compile(r"[0-9]{1,12}")

_COLUMNS: Final = 15
_RATINGS: Final = len(RATING_BINS)
_SHOWN: Final = 60
_MAX_LINE: Final = 4096
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """What the table says about a photo.

    Attributes:
        votes: For ratings 1 to 10.
        tags: At most two, 1..66.
        challenge: 0 where none is named.
    """

    votes: tuple[int, ...]
    tags: tuple[int, ...]
    challenge: int


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """The table of votes.

    Attributes:
        rows: By id, in the table's order.
        rejected: Lines that cannot be used.
    """

    rows: Mapping[str, Row]
    rejected: tuple[BadRecord, ...]


def parse_table(data: bytes) -> Table:
    """Reads AVA.txt; a line that cannot be used is reported, not dropped."""
    rows: dict[str, Row] = {}
    rejected: list[BadRecord] = []
    lines = data.removeprefix(_BYTE_ORDER_MARK).splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            source_id, row = _parse_line(line)
            if source_id in rows:
                raise _bad("duplicate-id", "has a row above this one", source_id)
            rows[source_id] = row
        except BadRecord as bad:
            detail = f"line {number}: {bad.detail}"
            rejected.append(_bad(bad.reason, detail, bad.source_id))
    return Table(rows, tuple(rejected))


def _parse_line(line: bytes) -> tuple[str, Row]:
    fields = line[:_MAX_LINE].decode("utf-8", "backslashreplace").split()
    source_id = fields[1] if len(fields) > 1 and ID.fullmatch(fields[1]) else ""
    if len(fields) != _COLUMNS or not source_id:
        shown = " ".join(fields)[:_SHOWN]
        detail = f"{len(fields)} columns ({shown!a}), expected {_COLUMNS} integers"
        raise _bad("bad-row", detail, source_id)
    if not all(map(_INTEGER.fullmatch, fields)):
        wrong = next(field for field in fields if not _INTEGER.fullmatch(field))
        raise _bad("bad-row", f"{wrong[:_SHOWN]!a}, expected an integer", source_id)
    numbers = [int(field) for field in fields]
    counts = tuple(numbers[2 : 2 + _RATINGS])
    if min(counts) < 0:
        raise _bad("bad-votes", f"a count of {min(counts)} votes", source_id)
    if not any(counts):
        raise _bad("no-votes", "all counts are 0, so there is no rating", source_id)
    tags, challenge = numbers[12:14], numbers[14]
    if not all(0 <= tag <= MAX_TAG for tag in tags):
        raise _bad("bad-tag", f"tags {tags}, expected 0..{MAX_TAG}", source_id)
    if challenge < 0:
        raise _bad("bad-row", f"challenge {challenge}, expected 0 or more", source_id)
    distinct = tuple(dict.fromkeys(tag for tag in tags if tag))
    return source_id, Row(counts, distinct, challenge)


def _bad(reason: str, detail: str, source_id: str) -> BadRecord:
    return BadRecord(reason, detail, stage="list", source_id=source_id, path=TABLE_NAME)


def note_of(row: Row, *, styles: Sequence[int], label: int) -> str:
    """Returns the note from which `RatingMaker` makes a row's record."""
    content = {
        "votes": row.votes,
        "tags": row.tags,
        "challenge": row.challenge,
        "styles": styles,
        "label": label,
    }
    return json.dumps(content, separators=(",", ":"))
