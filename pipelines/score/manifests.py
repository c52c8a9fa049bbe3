"""Lists of photos that people write: text, CSV or Parquet.

A text manifest has one path a line; the others have a column `image_uri`. Paths are
relative to the manifest, and count as photos whatever their names end in. The text may
be UTF-8, or UTF-16 with its mark, as spreadsheets save it; commas, semicolons or tabs
separate a CSV. A Parquet table may be a folder of parts, as Spark writes it.
"""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fcn_core.datasets.tables import encoding_of, named_separator, separator_of
from pipelines import files
from pipelines.faults import UsageError

SCHEMA: Final = pa.schema([pa.field("image_uri", pa.string(), nullable=False)])
"""What a manifest names."""

_URI_COLUMN: Final = "image_uri"
_PARQUET: Final = ".parquet"
_BLOCK: Final = 1 << 16  # photos
_ODD: Final = r"^[^/]|//|/\.{0,2}(/|$)"
"""A path that is not absolute, or not as short as it can be."""


def is_manifest(uri: str) -> bool:
    """Whether a file is a list of photos by its name."""
    return _extension(uri) in _READERS


def _extension(uri: str) -> str:
    return PurePosixPath(files.name_of(uri)).suffix.lower()


def is_part(below: str) -> bool:
    """Whether a file may be a part of a list that is a folder, by its names there."""
    is_hidden = any(name[:1] in ("_", ".") for name in below.split("/"))
    return below.lower().endswith(_PARQUET) and not is_hidden


def read(uri: str, *, root: str | None = None) -> Iterator[pa.Table]:
    """Yields the URIs that a manifest names, in its order, as tables of SCHEMA.

    Args:
        uri: The manifest.
        root: The folder that it is a part of; paths are relative to where that lies.

    Raises:
        UsageError: It is not what its name says, or names a store out of reach.
    """
    folder = (root or uri).rpartition("/")[0]
    try:
        with files.open_for_reading(uri) as file:
            for entries in _READERS[_extension(uri)](uri, file):
                yield pa.table([_uris(entries, folder)], schema=SCHEMA)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"--input {uri}: got bytes that are not UTF-8 nor UTF-16 with its mark, "
            "expected a text; save it as UTF-8"
        ) from error
    except (csv.Error, pa.ArrowInvalid) as error:
        raise UsageError(
            f"--input {uri}: got {str(error).splitlines()[0]}, expected a "
            f"{_extension(uri)} file; write it again"
        ) from error


def kept(uris: Iterable[str], folder: str, survey: files.Survey) -> Iterator[str]:
    """Yields the URIs that patterns do not leave out.

    Args:
        uris: What a list names.
        folder: Where the list lies: patterns with a slash are of paths below it, or of
            whole URIs.
        survey: The patterns; it learns what they left out.
    """
    for uri in uris:
        if not survey.leaves_out_path(uri.removeprefix(f"{folder}/").lstrip("/")):
            yield uri


def _uris(entries: pa.Array, folder: str) -> pa.Array:
    """Returns the URIs of paths relative to a folder."""
    is_odd = pc.match_substring_regex(entries, _ODD)
    if not pc.any(is_odd).as_py():
        return entries  # millions of plain absolute paths, each its own URI
    odd = entries.filter(is_odd).to_pylist()
    uris = [files.resolve(folder, entry) for entry in odd]
    return pc.replace_with_mask(entries, is_odd, pa.array(uris, pa.string()))


def _text(_: str, file: BinaryIO) -> Iterator[pa.Array]:
    # A line ends with "\n" alone: a name may have a form feed or a line separator.
    with io.TextIOWrapper(file, encoding=_encoding(file), newline="\n") as lines:
        yield from _blocks(line.strip() for line in lines)


def _encoding(file: BinaryIO) -> str:
    mark = file.read(2)
    file.seek(0)
    return encoding_of(mark)


def _csv(uri: str, file: BinaryIO) -> Iterator[pa.Array]:
    with io.TextIOWrapper(file, encoding=_encoding(file), newline="") as lines:
        beginning = lines.readline()
        separator = named_separator(beginning)
        if separator is not None:  # a line for Excel; the head follows
            beginning = lines.readline()
        separator = separator or separator_of(beginning)
        whole = itertools.chain([beginning], lines)
        rows = csv.reader(whole, delimiter=separator)
        heads = [head.strip() for head in next(rows, [])]
        if _URI_COLUMN not in heads:
            raise UsageError(_no_column(uri, heads))
        # Of two columns with the name the last; a short row has none.
        place = len(heads) - 1 - heads[::-1].index(_URI_COLUMN)
        yield from _blocks(row[place].strip() for row in rows if len(row) > place)


def _blocks(entries: Iterator[str]) -> Iterator[pa.Array]:
    """Yields those that are not empty, many at a time."""
    named = filter(None, entries)
    while block := list(itertools.islice(named, _BLOCK)):
        yield pa.array(block, pa.string())


def _parquet(uri: str, opened: BinaryIO) -> Iterator[pa.Array]:
    with pq.ParquetFile(opened) as file:
        if _URI_COLUMN not in file.schema_arrow.names:
            raise UsageError(_no_column(uri, file.schema_arrow.names))
        kind = file.schema_arrow.field(_URI_COLUMN).type
        if not _is_text(kind):
            raise UsageError(
                f"--input {uri}: got {_URI_COLUMN} of type {kind}, expected strings; "
                "cast the column to text and write the table again"
            )
        for batch in file.iter_batches(_BLOCK, columns=[_URI_COLUMN]):
            batch.validate(full=True)
            entries = batch.column(0).cast(pa.string()).drop_null()
            yield entries.filter(pc.not_equal(entries, ""))


def _is_text(kind: pa.DataType) -> bool:
    """Returns whether values are texts, however they are stored."""
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    kinds = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,  # as writers leave it that know no texts
        pa.types.is_large_binary,
    )
    return pa.types.is_null(kind) or any(is_kind(kind) for is_kind in kinds)


def _no_column(uri: str, got: Iterable[str]) -> str:
    return (
        f"--input {uri}: got the columns {', '.join(got) or 'none'}, expected one "
        f"named {_URI_COLUMN}; rename it"
    )


_READERS: Final[dict[str, Callable[[str, BinaryIO], Iterator[pa.Array]]]] = {
    ".txt": _text,
    ".lst": _text,
    ".csv": _csv,
    ".tsv": _csv,
    _PARQUET: _parquet,
}
