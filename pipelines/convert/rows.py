"""The rows of a conversion's parts: one an entry, a record or rejected."""

from dataclasses import dataclass
from typing import Final

from pipelines.chunks.columns import String, schema_of


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """The outcome of an entry.

    Attributes:
        id: Of the entry.
        status: `ok` where it became a record, else `failed`.
        sha256: Of a record's photo, in hex.
        path: Of a rejected entry's photo, below the input; why, `ErrorColumns` say.
    """

    id: String
    status: String
    sha256: String | None = None
    path: String | None = None
    error_stage: String | None = None
    error_reason: String | None = None
    error_detail: String | None = None


ENTRIES_SCHEMA: Final = schema_of(EntryRow)
