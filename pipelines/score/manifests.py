"""Lists of photos that people write: text, CSV or Parquet.

A text manifest has one path a line; the others have a column `image_uri`. Paths are
relative to the manifest, and count as photos whatever their names end in.
"""

import csv
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import files
from pipelines.faults import UsageError

SCHEMA: Final = pa.schema([pa.field("image_uri", pa.string(), nullable=False)])
"""What a manifest names."""

_URI_COLUMN: Final = "image_uri"
_BLOCK: Final = 1 << 16  # photos
_ODD: Final = r"^[^/]|//|/\.{0,2}(/|$)"
"""A path that is not absolute, or not as short as it can be."""


def is_manifest(path: Path) -> bool:
    """Whether a file is a list of photos by its name."""
    return path.suffix.lower() in _READERS


def read(path: Path) -> Iterator[pa.Table]:
    """Yields the URIs that a manifest names, in its order, as tables of SCHEMA.

    Raises:
        UsageError: It is not what its name says, or names a store out of reach.
    """
    folder = os.fspath(Path(files.to_uri(path)).parent)
    try:
        for entries in _READERS[path.suffix.lower()](path):
            yield pa.table([_uris(entries, folder)], schema=SCHEMA)
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


def _uris(entries: pa.Array, folder: str) -> pa.Array:
    """Returns the URIs of paths relative to a folder."""
    is_odd = pc.match_substring_regex(entries, _ODD)
    if not pc.any(is_odd).as_py():
        return entries  # millions of plain absolute paths, each its own URI
    odd = entries.filter(is_odd).to_pylist()
    uris = [files.to_uri(e if "://" in e else Path(folder, e)) for e in odd]
    return pc.replace_with_mask(entries, is_odd, pa.array(uris, pa.string()))


def _text(path: Path) -> Iterator[pa.Array]:
    # Not splitlines(): a file's name may have a form feed or a line separator.
    with path.open(encoding="utf-8-sig") as file:
        yield from _blocks(line.strip() for line in file)


def _csv(path: Path) -> Iterator[pa.Array]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        heads = next(rows, [])
        if _URI_COLUMN not in heads:
            raise UsageError(_no_column(path, heads))
        # Of two columns with the name the last; a short row has none.
        place = len(heads) - 1 - heads[::-1].index(_URI_COLUMN)
        yield from _blocks(row[place].strip() for row in rows if len(row) > place)


def _blocks(entries: Iterator[str]) -> Iterator[pa.Array]:
    """Yields those that are not empty, many at a time."""
    named = filter(None, entries)
    while block := list(itertools.islice(named, _BLOCK)):
        yield pa.array(block, pa.string())


def _parquet(path: Path) -> Iterator[pa.Array]:
    with pq.ParquetFile(path) as file:
        if _URI_COLUMN not in file.schema_arrow.names:
            raise UsageError(_no_column(path, file.schema_arrow.names))
        kind = file.schema_arrow.field(_URI_COLUMN).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise UsageError(
                f"--input {path}: got {_URI_COLUMN} of type {kind}, expected strings"
            )
        for batch in file.iter_batches(_BLOCK, columns=[_URI_COLUMN]):
            batch.validate(full=True)
            entries = batch.column(0).cast(pa.string()).drop_null()
            yield entries.filter(pc.not_equal(entries, ""))


def _no_column(path: Path, got: Iterable[str]) -> str:
    return (
        f"--input {path}: got the columns {', '.join(got) or 'none'}, expected one "
        f"named {_URI_COLUMN}; rename it"
    )


_READERS: Final[dict[str, Callable[[Path], Iterator[pa.Array]]]] = {
    ".txt": _text,
    ".lst": _text,
    ".csv": _csv,
    ".parquet": _parquet,
}
