"""Parts: the outcome of a chunk as one file, created once."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.chunks.counts import Counts

UNREADABLE: Final = (pa.ArrowException, OSError, ValueError, KeyError)
"""What reading a damaged part raises."""


def encode(
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    *,
    plan_id: str,
    said: Mapping[bytes, bytes],
) -> bytes:
    """Returns the file of a chunk's rows; the same rows give the same bytes.

    Args:
        rows: One a planned item; `status` is ok or failed.
        schema: Their columns.
        plan_id: The plan that they belong to.
        said: What else the footer says.
    """
    failed = sum(row["status"] == "failed" for row in rows)
    metadata = {
        **(schema.metadata or {}),
        b"fcn.plan_id": plan_id.encode(),
        b"fcn.ok": str(len(rows) - failed).encode(),
        b"fcn.failed": str(failed).encode(),
        **said,
    }
    table = pa.Table.from_pylist(list(rows), schema=schema)
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(metadata),
        buffer,
        compression="zstd",
        write_page_checksum=True,
    )
    return buffer.getvalue()


def read(uri: str, *, columns: list[str] | None = None) -> pa.Table:
    """Returns the rows of a part, all columns or some; raises one of `UNREADABLE`."""
    # As a file of its own: `run_date=` in the folder's name is no column here.
    with pq.ParquetFile(files.to_path(uri), page_checksum_verification=True) as part:
        return part.read(columns=columns)


def counts_of(said: Mapping[bytes, bytes]) -> Counts:
    """Returns what a footer says became of the rows; raises one of `UNREADABLE`."""
    return Counts(ok=int(said[b"fcn.ok"]), failed=int(said[b"fcn.failed"]))
