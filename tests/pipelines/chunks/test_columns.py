"""Columns: a dataclass's fields are the schema."""

from dataclasses import dataclass

import pyarrow as pa

from fcn_core.bad_image import BadImage
from pipelines.chunks.columns import (
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
    lists: list[list[Float64]]


def test_fields_are_columns_in_their_order() -> None:
    expected = pa.schema(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("width", pa.int32()),
            pa.field("size", pa.int64(), nullable=False),
            pa.field("shares", pa.list_(pa.float32())),
            pa.field("lists", pa.list_(pa.list_(pa.float64())), nullable=False),
        ],
        metadata={"version": "1"},
    )
    found = schema_of(Row, metadata={"version": "1"})
    assert found.equals(expected, check_metadata=True)
    assert schema_of(Row).metadata is None


def test_rows_are_rows_of_the_schema() -> None:
    row = Row(name="x", size=1 << 40, shares=[0.25, 0.5], lists=[[1.0], []])
    table = pa.Table.from_pylist([vars(row)], schema=schema_of(Row))
    assert table.to_pylist() == [vars(row)]


def test_a_bad_item_has_stage_reason_and_detail() -> None:
    bad = BadImage("corrupt", "half a photo", stage="decode")
    assert error_columns(bad) == {
        "error_stage": "decode",
        "error_reason": "corrupt",
        "error_detail": "half a photo",
    }
