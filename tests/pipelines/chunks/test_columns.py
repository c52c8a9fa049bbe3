"""Columns of a table as the fields of a row's class."""

from dataclasses import dataclass

import pyarrow as pa

from fcn_core.bad_image import BadImage
from pipelines.chunks.columns import (
    Binary,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    error_columns,
    schema_of,
)


@dataclass(frozen=True, kw_only=True)
class Row:
    name: String
    width: Int32 | None = None
    size: Int64
    shares: list[Float32] | None = None
    ids: list[Int64]
    score: Float64 | None = None
    data: Binary | None = None


def test_fields_are_columns_in_their_order() -> None:
    assert schema_of(Row).equals(
        pa.schema(
            [
                pa.field("name", pa.string(), nullable=False),
                pa.field("width", pa.int32()),
                pa.field("size", pa.int64(), nullable=False),
                pa.field("shares", pa.list_(pa.float32())),
                pa.field("ids", pa.list_(pa.int64()), nullable=False),
                pa.field("score", pa.float64()),
                pa.field("data", pa.binary()),
            ]
        )
    )


def test_metadata_is_the_schemas() -> None:
    assert schema_of(Row).metadata is None
    assert schema_of(Row, {"version": "1"}).metadata == {b"version": b"1"}


def test_rows_go_into_a_table_and_back() -> None:
    row = Row(name="a", size=1 << 40, ids=[3], shares=[0.5])
    table = pa.Table.from_pylist([vars(row)], schema=schema_of(Row))
    assert [Row(**found) for found in table.to_pylist()] == [row]


def test_a_bad_item_fills_the_columns_of_errors() -> None:
    assert error_columns(BadImage("corrupt", "cut off", stage="decode")) == {
        "error_stage": "decode",
        "error_reason": "corrupt",
        "error_detail": "cut off",
    }
