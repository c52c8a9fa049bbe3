"""A user's table of ratings: CSV with votes, or with mean scores.

The header decides. A photo's column is `image` (or `id`, `filename`, ...); votes are
columns `1`, `2`, ... (or `votes_1`, ...), for ratings from 1 to at most 10; without
votes a column `mean` (or `score`, `mos`) between 1 and 10 is enough, `std` may follow.
"""

import csv
import io
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fcn_core.datasets import votes
from fcn_core.datasets.bad_record import BadRecord, ListError
from fcn_core.datasets.own.pairing import Notes
from fcn_core.datasets.tables import encoding_of, named_separator, separator_of
from fcn_core.names import composed, stem
from fcn_core.records.record import MAX_RATINGS

_IMAGE_COLUMNS: Final = (
    "image",
    "id",
    "image_id",
    "filename",
    "file",
    "image_uri",
    "path",
    "name",
)
_MEAN_COLUMNS: Final = ("mean", "mean_score", "score", "mos", "rating")
_STD_COLUMNS: Final = ("std", "stddev", "std_score")
_VOTE_COLUMN: Final = re.compile(r"(?:votes?|ratings?|count)?[_ ]?([1-9][0-9]?)")
_COUNT: Final = re.compile(r"([0-9]{1,9})(?:\.0*)?")
"""A count; 2.0 where pandas had a missing one in the column."""
_DECIMAL_COMMA: Final = re.compile(r"^(-?[0-9]{1,2}),([0-9]+)$")
"""A score as spreadsheets of many countries write it; all scores are small."""


@dataclass(frozen=True)
class _Columns:
    """Column numbers by meaning, None where there is none."""

    count: int
    image: int
    votes: tuple[int, ...]
    mean: int | None
    std: int | None


@dataclass(frozen=True)
class Ratings:
    """A table of ratings, matched with photos.

    Attributes:
        notes: By id, for the rows that can be tried.
        rejected: Rows that cannot.
        bins: Number of ratings that votes are counted for; 0 where means are given.
    """

    notes: Notes
    rejected: tuple[BadRecord, ...]
    bins: int


def parse_ratings(data: bytes, *, name: str, photos: Collection[str]) -> Ratings:
    """Reads a table and finds the photo of each row.

    Args:
        data: The file's bytes.
        name: The file's name; .tsv is separated by tabs.
        photos: Paths below the images' folder.

    Raises:
        ListError: The header names no photo or no rating.
    """
    text = data.decode(encoding_of(data), "backslashreplace")
    header, *rows = _rows(text, name) or [[]]
    columns = _columns(header, name)
    paths = {composed(path): path for path in photos}
    by_id = {stem(path): path for path in sorted(photos, reverse=True)}
    notes: dict[str, str] = {}
    rejected = []
    for number, row in enumerate(rows, start=2):
        try:
            source_id, note = _note(row, columns, {"paths": paths, "ids": by_id})
            if source_id in notes:
                raise _bad("duplicate-id", "has a row above this one", source_id)
            notes[source_id] = note
        except BadRecord as bad:
            rejected.append(
                BadRecord(
                    bad.reason,
                    f"row {number}: {bad.detail}",
                    stage="list",
                    source_id=bad.source_id,
                    path=name,
                )
            )
    return Ratings(notes, tuple(rejected), len(columns.votes))


def _rows(text: str, name: str) -> list[list[str]]:
    """Returns the rows that are not blank; the header decides what separates fields."""
    head, _, below = text.partition("\n")
    separator = named_separator(head)
    if separator is not None:  # a line for Excel; the header follows
        text = below
    separator = separator or separator_of(text.partition("\n")[0])
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise ListError(
            f"{name}: got {error}, expected a CSV file; mend the file"
        ) from error
    return [row for row in rows if any(field.strip() for field in row)]


def _columns(header: Sequence[str], name: str) -> _Columns:
    names = [field.strip().lower() for field in header]
    image = _first(names, _IMAGE_COLUMNS)
    found = {
        int(match[1]): position
        for position, field in enumerate(names)
        if (match := _VOTE_COLUMN.fullmatch(field))
    }
    counted = tuple(found[rating] for rating in sorted(found))
    mean = _first(names, _MEAN_COLUMNS)
    whole = sorted(found) == list(range(1, len(found) + 1))
    if counted and (not whole or not 2 <= len(counted) <= MAX_RATINGS):
        raise ListError(
            f"{name}: got columns of votes for {sorted(found)}, expected one for each "
            f"rating from 1 to at most {MAX_RATINGS}; mend the header"
        )
    if image is None or (not counted and mean is None):
        raise ListError(
            f"{name}: got the columns {names!r:.100}, expected image and either mean "
            "or votes 1, 2, ...; mend the header"
        )
    return _Columns(len(names), image, counted, mean, _first(names, _STD_COLUMNS))


def _first(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _note(
    row: Sequence[str], columns: _Columns, photos: Mapping[str, Mapping[str, str]]
) -> tuple[str, str]:
    """Returns id and note of a row.

    Raises:
        BadRecord: The row cannot be used.
    """
    if len(row) != columns.count:
        shown = row[0][:60] if row else ""
        detail = f"{len(row)} columns ({shown!a}), expected {columns.count}"
        raise _bad("bad-row", detail, "")
    named = composed(row[columns.image].strip().removeprefix("./"))
    path = photos["paths"].get(named) or photos["ids"].get(named)
    if path is None:
        raise _bad("missing-image", "no such photo in the folder", stem(named))
    source_id = stem(path)
    if columns.votes:
        content = _counted([row[i].strip() for i in columns.votes], source_id)
    else:
        content = _averaged(row, columns, source_id)
    return source_id, json.dumps({"path": path, **content})


def _counted(fields: Sequence[str], source_id: str) -> dict[str, object]:
    found = [_COUNT.fullmatch(field) for field in fields]
    counts = [int(match[1]) for match in found if match is not None]
    if len(counts) < len(fields):
        wrong = fields[found.index(None)]
        detail = f"{wrong[:60]!a} votes, expected a count"
        raise _bad("bad-votes", detail, source_id)
    if not any(counts):
        raise _bad("no-votes", "all counts are 0, so there is no rating", source_id)
    # The middle of the scale is defined for AVA's ten ratings only.
    label = votes.label(counts) if len(counts) == MAX_RATINGS else -1
    return {"votes": counts, "label": label}


def _averaged(
    row: Sequence[str], columns: _Columns, source_id: str
) -> dict[str, object]:
    mean = _number(row, columns.mean, source_id)
    if mean is None or not 1 <= mean <= MAX_RATINGS:
        detail = f"mean {mean}, expected 1 to {MAX_RATINGS}; scale the scores"
        raise _bad("bad-score", detail, source_id)
    std = _number(row, columns.std, source_id)
    if std is not None and not 0 <= std <= MAX_RATINGS:
        raise _bad("bad-score", f"standard deviation {std}", source_id)
    return {"mean": mean, "std": std, "label": int(mean > votes.MIDDLE)}


def _number(row: Sequence[str], column: int | None, source_id: str) -> float | None:
    text = row[column].strip() if column is not None else ""
    if not text:
        return None
    try:
        number = float(_DECIMAL_COMMA.sub(r"\1.\2", text))
    except ValueError as error:
        detail = f"{text[:60]!a}, expected a number"
        raise _bad("bad-score", detail, source_id) from error
    if not math.isfinite(number):
        raise _bad("bad-score", f"{text[:60]!a}, expected a number", source_id)
    return number


def _bad(reason: str, detail: str, source_id: str) -> BadRecord:
    return BadRecord(reason, detail, stage="list", source_id=source_id)
