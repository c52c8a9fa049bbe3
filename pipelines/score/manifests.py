"""Lists of photos that people write: text, CSV or Parquet.

A text manifest has one path a line; the others have a column `image_uri`. Paths are
relative to the manifest, and count as photos whatever their names end in.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.faults import UsageError

_URI_COLUMN: Final = "image_uri"


def is_manifest(uri: str) -> bool:
    """Whether a file is a list of photos by its name."""
    return _extension(uri) in _READERS


def _extension(uri: str) -> str:
    return PurePosixPath(files.name_of(uri)).suffix.lower()


def read(uri: str) -> list[str]:
    """Returns the URIs that a manifest names, in its order.

    Raises:
        UsageError: It is not what its name says, or names a store out of reach.
    """
    folder = uri.rpartition("/")[0]
    try:
        with files.open_for_reading(uri) as file:
            entries = list(_READERS[_extension(uri)](uri, file))
    except UnicodeDecodeError as error:
        raise UsageError(
            f"--input {uri}: got bytes that are not UTF-8, expected a text; save it "
            "as UTF-8"
        ) from error
    except (csv.Error, pa.ArrowInvalid) as error:
        raise UsageError(
            f"--input {uri}: got {str(error).splitlines()[0]}, expected a "
            f"{_extension(uri)} file; write it again"
        ) from error
    return [files.resolve(folder, entry) for entry in entries]


def _text(_: str, file: BinaryIO) -> Iterator[str]:
    # A line ends with "\n" alone: a name may have a form feed or a line separator.
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n") as text:
        for line in text:
            if entry := line.strip():
                yield entry


def _csv(uri: str, file: BinaryIO) -> Iterator[str]:
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        if _URI_COLUMN not in (reader.fieldnames or ()):
            raise UsageError(_no_column(uri, reader.fieldnames or ()))
        for row in reader:
            if entry := (row[_URI_COLUMN] or "").strip():
                yield entry


def _parquet(uri: str, file: BinaryIO) -> Iterator[str]:
    with pq.ParquetFile(file) as table:
        if _URI_COLUMN not in table.schema_arrow.names:
            raise UsageError(_no_column(uri, table.schema_arrow.names))
        kind = table.schema_arrow.field(_URI_COLUMN).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise UsageError(
                f"--input {uri}: got {_URI_COLUMN} of type {kind}, expected strings"
            )
        for batch in table.iter_batches(columns=[_URI_COLUMN]):
            yield from (entry for entry in batch.column(0).to_pylist() if entry)


def _no_column(uri: str, got: Iterable[str]) -> str:
    return (
        f"--input {uri}: got the columns {', '.join(got) or 'none'}, expected one "
        f"named {_URI_COLUMN}; rename it"
    )


_READERS: Final[dict[str, Callable[[str, BinaryIO], Iterator[str]]]] = {
    ".txt": _text,
    ".lst": _text,
    ".csv": _csv,
    ".parquet": _parquet,
}
