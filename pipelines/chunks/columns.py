"""A table's columns, declared once: the fields of a dataclass and their types.

@dataclass(frozen=True, kw_only=True)
class Row:
    name: String
    width: Int32 | None = None

SCHEMA = schema_of(Row)
"""

import types
from collections.abc import Mapping
from typing import (
    Annotated,
    Any,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import pyarrow as pa
import pyarrow.parquet as pq

from fcn_core.bad_image import BadImage

String = Annotated[str, pa.string()]
Int32 = Annotated[int, pa.int32()]
Int64 = Annotated[int, pa.int64()]
Float32 = Annotated[float, pa.float32()]
Float64 = Annotated[float, pa.float64()]
Binary = Annotated[bytes, pa.binary()]


def schema_of(row: type, metadata: Mapping[str, str] | None = None) -> pa.Schema:
    """Returns the columns of a row class; a field that may be None is nullable.

    Args:
        row: A class whose fields have the types above, or lists of them.
        metadata: Of the schema.
    """
    hints = get_type_hints(row, include_extras=True)
    fields = [_field(name, hint) for name, hint in hints.items()]
    return pa.schema(fields, metadata=dict(metadata) if metadata else None)


def encode_table(table: pa.Table, **options: Any) -> bytes:
    """Returns a table as a Parquet file; `options` are those of `pq.write_table`."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", **options)
    return sink.getvalue().to_pybytes()


class ErrorColumns(TypedDict):
    """Why an item has no result, as the columns that all tables have.

    Attributes:
        error_stage: Where it failed.
        error_reason: Why, from the closed list.
        error_detail: What, got, expected, cure.
    """

    error_stage: str
    error_reason: str
    error_detail: str


def error_columns(bad: BadImage) -> ErrorColumns:
    """Returns the columns of a bad item."""
    return {
        "error_stage": bad.stage,
        "error_reason": bad.reason,
        "error_detail": bad.detail,
    }


def _field(name: str, hint: Any) -> pa.Field:
    is_union = get_origin(hint) in (Union, types.UnionType)
    options = get_args(hint) if is_union else (hint,)
    (kind,) = (option for option in options if option is not types.NoneType)
    return pa.field(name, _arrow(kind), nullable=types.NoneType in options)


def _arrow(kind: Any) -> pa.DataType:
    if get_origin(kind) is list:
        return pa.list_(_arrow(get_args(kind)[0]))
    return kind.__metadata__[0]
