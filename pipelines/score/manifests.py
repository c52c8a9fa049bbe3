"""Lists of photos that people write: text, CSV or Parquet.

A text manifest has one path a line; the others have a column `image_uri`. Paths are
relative to the manifest, and count as photos whatever their names end in.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.faults import UsageError

_URI_COLUMN: Final = "image_uri"


def is_manifest(path: Path) -> bool:
    """Whether a file is a list of photos by its name."""
    return path.suffix.lower() in _READERS


def read(path: Path) -> list[str]:
    """Returns the URIs that a manifest names, in its order.

    Raises:
        UsageError: It is not what its name says, or names a store out of reach.
    """
    folder = Path(files.to_uri(path)).parent
    try:
        entries = list(_READERS[path.suffix.lower()](path))
    except UnicodeDecodeError as error:
        raise UsageError(
            f"--input {path}: got bytes that are not UTF-8, expected a text; save it "
            "as UTF-8"
        ) from error
    except (csv.Error, pa.ArrowInvalid) as error:
        raise UsageError(
            f"--input {path}: got {str(error).splitlines()[0]}, expected a "
            f"{path.suffix.lower()} file; write it again"
        ) from error
    return [
        files.to_uri(entry if "://" in entry else folder / entry) for entry in entries
    ]


def _text(path: Path) -> Iterator[str]:
    # Not splitlines(): a file's name may have a form feed or a line separator.
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    return (line.strip() for line in lines if line.strip())


def _csv(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if _URI_COLUMN not in (reader.fieldnames or ()):
            raise UsageError(_no_column(path, reader.fieldnames or ()))
        for row in reader:
            if entry := (row[_URI_COLUMN] or "").strip():
                yield entry


def _parquet(path: Path) -> Iterator[str]:
    with pq.ParquetFile(path) as file:
        if _URI_COLUMN not in file.schema_arrow.names:
            raise UsageError(_no_column(path, file.schema_arrow.names))
        kind = file.schema_arrow.field(_URI_COLUMN).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise UsageError(
                f"--input {path}: got {_URI_COLUMN} of type {kind}, expected strings"
            )
        for batch in file.iter_batches(columns=[_URI_COLUMN]):
            yield from (uri for uri in batch.column(0).to_pylist() if uri)


def _no_column(path: Path, got: Iterable[str]) -> str:
    return (
        f"--input {path}: got the columns {', '.join(got) or 'none'}, expected one "
        f"named {_URI_COLUMN}; rename it"
    )


_READERS: Final[dict[str, Callable[[Path], Iterator[str]]]] = {
    ".txt": _text,
    ".lst": _text,
    ".csv": _csv,
    ".parquet": _parquet,
}
