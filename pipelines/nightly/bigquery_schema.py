"""The scores table as BigQuery sees it: its columns made from the Parquet schema."""

import json
from typing import Final, TypeAlias

import pyarrow as pa

from pipelines.score.rows import SCORES_SCHEMA

Column: TypeAlias = dict[str, str]
"""A column as `schema.json` has it: name, type, mode."""

PARTITION: Final = "run_date"
"""The column that the table is partitioned by; the Hive key of the Parquet files."""

_TYPES: Final[dict[pa.DataType, str]] = {
    pa.string(): "STRING",
    pa.int32(): "INTEGER",
    pa.int64(): "INTEGER",
    pa.float32(): "FLOAT",
    pa.float64(): "FLOAT",
    pa.binary(): "BYTES",
    pa.date32(): "DATE",
}


def columns(schema: pa.Schema = SCORES_SCHEMA) -> list[Column]:
    """Returns the columns of the table, its partition's last.

    Lists are REPEATED: one that is null in Parquet is empty in BigQuery. The partition
    is NULLABLE, as BigQuery makes the keys that it finds in the names of files.

    Args:
        schema: Of the Parquet files.
    """
    found = [_column(field) for field in schema]
    return [*found, {"name": PARTITION, "type": "DATE", "mode": "NULLABLE"}]


def text() -> str:
    """Returns `schema.json`, as `bq mk --schema` takes it."""
    return json.dumps(columns(), indent=1) + "\n"


def _column(field: pa.Field) -> Column:
    if pa.types.is_list(field.type):
        kind, mode = field.type.value_type, "REPEATED"
    else:
        kind, mode = field.type, "NULLABLE" if field.nullable else "REQUIRED"
    return {"name": field.name, "type": _TYPES[kind], "mode": mode}
