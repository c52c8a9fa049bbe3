"""Reading the rows of a night: its published table, or the parts before."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score.layout import NightFolder

_BATCH_ROWS: Final = 8192
_UNREADABLE: Final = (pa.ArrowException, OSError, ValueError, KeyError)
"""What reading a damaged table raises."""


def batches(folder: NightFolder, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yields some columns of a night's rows, in the table's order.

    Args:
        folder: Of the night.
        columns: Their names.

    Raises:
        SystemicFault: The table is damaged.
    """
    for uri in folder.tables():
        try:
            # Not at once: a table of millions of rows has large column chunks.
            with (
                files.open_for_reading(uri) as opened,
                pq.ParquetFile(opened, pre_buffer=False) as file,
            ):
                found = file.iter_batches(
                    _BATCH_ROWS, use_threads=False, columns=list(columns)
                )
                yield from map(_checked, found)
        except _UNREADABLE as error:
            raise SystemicFault(
                f"{uri}: got a damaged table, expected the rows of "
                f"run_date={folder.run_date}; {folder.cure}"
            ) from error


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Raises ArrowInvalid where the values of a column are not what its type says."""
    batch.validate(full=True)
    return batch
