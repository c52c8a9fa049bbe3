"""The rows of the parts of `fcn stats`: one a sound record."""

from dataclasses import dataclass
from typing import Final

from pipelines.chunks.columns import String, schema_of


@dataclass(frozen=True)
class RecordRow:
    """What identifies a record later.

    Attributes:
        id: Of the record.
        sha256: Of its photo, in hex.
    """

    id: String
    sha256: String


RECORDS_SCHEMA: Final = schema_of(RecordRow)
