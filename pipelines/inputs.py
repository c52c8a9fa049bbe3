"""What `--input` names: a folder, a glob, a manifest or TFRecords -> photos.

Listing reads no photo: names, sizes and times only. The result is sorted and free of
repetitions, whatever order the file system tells names in.
"""

import csv
import glob
import itertools
import os
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fcn_core import tfrecord
from fcn_core.bad_image import BadImage
from pipelines import files
from pipelines.faults import UsageError

Item = TypeVar("Item")
Read = TypeVar("Read")

PHOTO_EXTENSIONS = frozenset(
    {
        ".bmp",
        ".gif",
        ".jfif",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".mpo",
        ".png",
        ".tif",
        ".tiff",
        ".webp",
    }
)
"""Extensions whose photos can be scored."""

REFUSED_EXTENSIONS = frozenset(
    {
        ".arw",
        ".avif",
        ".cr2",
        ".cr3",
        ".dng",
        ".heic",
        ".heif",
        ".nef",
        ".orf",
        ".pef",
        ".raf",
        ".rw2",
        ".srw",
    }
)
"""Photos all the same: planned, so that each becomes a row that names the cure."""

LISTING_SCHEMA = pa.schema(
    [
        pa.field("image_uri", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("offset", pa.int64()),
    ]
)
"""`offset` is where a TFRecord's record begins, null for a file of its own."""

_URI_COLUMN = "image_uri"
_FRAME_OVERHEAD = 16  # length, its checksum and the checksum of the bytes


@dataclass(frozen=True)
class Listing:
    """The photos of an input.

    Attributes:
        photos: Table of LISTING_SCHEMA, sorted by URI, each URI once.
        root: The listed folder, out of which no link may lead; None for manifests.
        ignored: Files that are not photos by their name.
    """

    photos: pa.Table
    root: str | None
    ignored: int


def list_photos(uri: str, *, output: str) -> Listing:
    """Lists the photos of an input.

    Args:
        uri: Folder (searched through), glob, text/CSV/Parquet manifest or TFRecord(s).
        output: The job's output, never read as input.

    Raises:
        UsageError: there is nothing there, or no photo in it.
    """
    listing = _list(uri, output)
    if listing.photos.num_rows == 0:
        others = f" among {listing.ignored} files" if listing.ignored else ""
        raise UsageError(
            f"--input {uri}: got no photo{others}, expected files ending in "
            f"{', '.join(sorted(PHOTO_EXTENSIONS))}; check the path"
        )
    return listing


def _list(uri: str, output: str) -> Listing:
    if any(sign in uri for sign in "*?[") and not files.exists(uri):
        return _list_glob(uri, output)
    path = files.to_path(uri)
    if path.is_dir():
        root = files.to_uri(path)
        return _list_files(files.walk(root, leave_out=output), root=root)
    if not path.exists():
        raise UsageError(
            f"--input {uri}: got nothing there, expected a folder of photos, a glob, "
            "a text/CSV/Parquet manifest or TFRecords; check the path"
        )
    readers: dict[str, Callable[[Path], Iterable[str]]] = {
        ".txt": _text_manifest,
        ".lst": _text_manifest,
        ".csv": _csv_manifest,
        ".parquet": _parquet_manifest,
    }
    if path.suffix.lower() in readers:
        return _list_manifest(path, readers[path.suffix.lower()])
    if ".tfrecord" in path.name:
        return _list_records([path])
    if path.suffix.lower() in PHOTO_EXTENSIONS | REFUSED_EXTENSIONS:
        return _list_files([files.to_uri(path)], root=None)
    raise UsageError(
        f"--input {uri}: got a {path.suffix or 'nameless'} file, expected a folder, a "
        "glob, a .txt/.csv/.parquet manifest or .tfrecord files"
    )


def _list_glob(pattern: str, output: str) -> Listing:
    left_out = os.path.join(os.path.realpath(output), "")  # noqa: PTH118
    found = [
        Path(name)
        for name in glob.glob(pattern, recursive=True)  # noqa: PTH207 - absolute too
        if not os.path.realpath(name).startswith(left_out)
    ]
    if not found:
        raise UsageError(
            f"--input {pattern}: got no match, expected at least one photo; "
            "quote the pattern and check it with ls"
        )
    if all(".tfrecord" in path.name for path in found):
        return _list_records(sorted(found))
    return _list_files(
        (files.to_uri(path) for path in found if not path.is_dir()), root=None
    )


def _list_files(uris: Iterable[str], *, root: str | None) -> Listing:
    photos, ignored = [], 0
    for uri in uris:
        name = uri.rpartition("/")[2].lower()
        extension = "." + name.rpartition(".")[2]
        if (
            name.startswith(".")
            or extension not in PHOTO_EXTENSIONS | REFUSED_EXTENSIONS
        ):
            ignored += 1
        else:
            photos.append(uri)
    return Listing(_table(photos), root, ignored)


def _list_manifest(path: Path, read: Callable[[Path], Iterable[str]]) -> Listing:
    """A manifest's entries count as photos whatever their names end in."""
    folder = Path(files.to_uri(path)).parent
    uris = []
    for entry in read(path):
        if "://" in entry:
            files.to_path(entry)  # refuses stores that are out of reach
            uris.append(entry)
        else:
            uris.append(files.to_uri(folder / entry))
    return Listing(_table(uris), None, 0)


def _text_manifest(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"--input {path}: got bytes that are not UTF-8, expected one path a line"
        ) from error
    return (line.strip() for line in text.splitlines() if line.strip())


def _csv_manifest(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if _URI_COLUMN not in (reader.fieldnames or ()):
            raise UsageError(_no_column(path, reader.fieldnames or ()))
        for row in reader:
            if row[_URI_COLUMN]:
                yield row[_URI_COLUMN].strip()


def _parquet_manifest(path: Path) -> Iterator[str]:
    file = pq.ParquetFile(path)
    if _URI_COLUMN not in file.schema_arrow.names:
        raise UsageError(_no_column(path, file.schema_arrow.names))
    for batch in file.iter_batches(columns=[_URI_COLUMN]):
        yield from (uri for uri in batch.column(0).to_pylist() if uri)


def _no_column(path: Path, got: Iterable[str]) -> str:
    return (
        f"--input {path}: got the columns {', '.join(got) or 'none'}, expected one "
        f"named {_URI_COLUMN}; rename it"
    )


def _list_records(paths: list[Path]) -> Listing:
    uris: list[str] = []
    versions: list[str] = []
    offsets: list[int] = []
    for path in paths:
        uri = files.to_uri(path)
        version = files.version(uri)
        for number, offset in enumerate(_record_offsets(path)):
            uris.append(f"{uri}#{number}")
            versions.append(version)
            offsets.append(offset)
    columns = [uris, versions, offsets]
    return Listing(_sorted(pa.table(columns, schema=LISTING_SCHEMA)), None, 0)


def _record_offsets(path: Path) -> Iterator[int]:
    size = path.stat().st_size
    with path.open("rb") as file:
        offset = 0
        while offset < size:
            yield offset
            file.seek(offset)
            head = file.read(8)
            if len(head) < 8:  # the damaged tail becomes a row when it is read
                return
            offset += struct.unpack("<Q", head)[0] + _FRAME_OVERHEAD


def _table(uris: list[str]) -> pa.Table:
    unique = sorted(set(uris))
    versions = [files.version(uri) for uri in unique]
    offsets = pa.nulls(len(unique), pa.int64())
    return pa.table([unique, versions, offsets], schema=LISTING_SCHEMA)


def _sorted(table: pa.Table) -> pa.Table:
    return table.take(pc.sort_indices(table, sort_keys=[(_URI_COLUMN, "ascending")]))


def read(uri: str, *, version: str, offset: int | None, root: str | None) -> bytes:
    """Returns the encoded bytes of one listed photo.

    Raises:
        BadImage: they cannot be read; the reason is a row's reason.
    """
    if offset is None:
        return files.read_photo(uri, version=version, root=root)
    container, _, number = uri.rpartition("#")
    if files.version(container) != version:
        detail = "another content than when the plan was made"
        raise BadImage("changed-while-reading", detail, stage="read")
    with files.to_path(container).open("rb") as file:
        file.seek(offset)
        try:
            record = next(tfrecord.read_frames(file))
            example = tfrecord.example_class().FromString(record)
        except Exception as error:
            detail = f"record {number} is damaged"
            raise BadImage("corrupt", detail, stage="read") from error
    encoded = example.features.feature["image/encoded"].bytes_list.value
    if len(encoded) != 1:
        detail = "the record has no image/encoded"
        raise BadImage("not-an-image", detail, stage="read")
    return encoded[0]


def read_again(uri: str, *, version: str) -> bytes:
    """Returns the encoded bytes of a photo that a table names, which has no offsets.

    Raises:
        BadImage: they cannot be read any more, or are other bytes now.
    """
    container, _, number = uri.rpartition("#")
    is_record = number.isdecimal() and files.exists(container)
    if not is_record or files.exists(uri):
        return files.read_photo(uri, version=version)
    offsets = _record_offsets(files.to_path(container))
    offset = next(itertools.islice(offsets, int(number), None), None)
    if offset is None:
        raise BadImage("vanished", "the file has no such record", stage="read")
    return read(uri, version=version, offset=offset, root=None)


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Read], *, threads: int, depth: int
) -> Iterator[Read]:
    """Yields `read(item)` in order, a few ahead of need, to hide a store's latency.

    Args:
        items: What to read.
        read: Reads one; what it raises is raised here, in its turn.
        threads: How many read at once.
        depth: How many are held at most.
    """
    waiting: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(read, item))
                if len(waiting) >= depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
