"""The rows of the parts of `fcn stats`: one a sound record."""

from dataclasses import dataclass
from typing import Final

from pipelines.chunks.columns import String, schema_of


@dataclass(frozen=True)
class RecordRow:
    """A record's id, and the sha256 of its photo in hex."""

    id: String
    sha256: String


RECORDS_SCHEMA: Final = schema_of(RecordRow)
