"""What `--input` names: a folder, a glob, a manifest or TFRecords -> photos.

Listing reads no photo: names, sizes and times only. The result is sorted and free of
repetitions, whatever order the file system lists names in.
"""

import glob
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from fcn_core.bad_image import BadImage
from fcn_core.images.extensions import PHOTO_EXTENSIONS, REFUSED_EXTENSIONS
from fcn_core.records import tfrecord
from fcn_core.records.record import ImageRecord, keys
from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import manifests
from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.layout import OUTPUT_FOLDERS
from pipelines.score.photos import Photos
from pipelines.score.sorting import sort_unique

_PHOTO = keys(ImageRecord)["encoded"]
_BLOCK: Final = 1 << 14  # photos


@dataclass(frozen=True)
class Listing:
    """The photos of an input.

    Attributes:
        photos: Sorted by URI, each URI once.
        root: The listed folder, out of which no link may lead; None for manifests.
        ignored: Files that are not photos by their name.
    """

    photos: Photos
    root: str | None
    ignored: int


def list_photos(uri: str, *, output: str) -> Listing:
    """Lists the photos of an input.

    Args:
        uri: Folder (searched through), glob, text/CSV/Parquet manifest or TFRecord(s).
        output: The job's output, never read as input.

    Raises:
        UsageError: There is nothing there, or no photo in it.
    """
    try:
        listing = _list(uri, output)
    except OSError as error:
        raise UsageError(
            f"--input {uri}: got {str(error.strerror).lower()} ({error.filename}), "
            "expected what can be read; change its rights or leave it out"
        ) from error
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
        left_out = _never_read(output, root)
        if _is_in(path, left_out):
            raise UsageError(
                f"--input {uri}: got results of --output {output}, expected photos; "
                "choose another folder"
            )
        found = files.walk_pinned(root, leave_out=left_out, wanted=_is_photo)
        return _list_pins(found, root=root)
    if not path.exists():
        raise UsageError(
            f"--input {uri}: got nothing there, expected a folder of photos, a glob, "
            "a text/CSV/Parquet manifest or TFRecords; check the path"
        )
    if manifests.is_manifest(path):
        return _list_manifest(path)
    if ".tfrecord" in path.name:
        return _list_records([path])
    if path.suffix.lower() in PHOTO_EXTENSIONS | REFUSED_EXTENSIONS:
        return _list_pins(files.pins([files.to_uri(path)]), root=None)
    raise UsageError(
        f"--input {uri}: got a {path.suffix or 'nameless'} file, expected a folder, a "
        "glob, a .txt/.csv/.parquet manifest or .tfrecord files"
    )


def _never_read(output: str, root: str) -> list[str]:
    """Returns the real paths of an output's folders that are not input.

    That is all of it, unless it holds the input: then only what jobs write there.
    """
    real = os.path.realpath(files.to_path(output))
    if not _is_in(files.to_path(root), [real]):
        return [real]
    return [os.path.realpath(os.path.join(real, name)) for name in OUTPUT_FOLDERS]  # noqa: PTH118


def _is_in(path: Path, real_folders: Iterable[str]) -> bool:
    real = os.path.join(os.path.realpath(path), "")  # noqa: PTH118 - of many names
    return any(real.startswith(folder + "/") for folder in real_folders)


def _list_glob(pattern: str, output: str) -> Listing:
    fixed = os.path.dirname(glob.escape(pattern).partition("[")[0])  # noqa: PTH120
    left_out = _never_read(output, fixed or ".")
    found = _matches(pattern, left_out)
    first = next(found, None)
    if first is None:
        raise UsageError(
            f"--input {pattern}: got no match, expected at least one photo; "
            "quote the pattern and check it with ls"
        )
    # Another look at the names costs less than to keep all of them.
    if all(".tfrecord" in path.name for path in _matches(pattern, left_out)):
        return _list_records(itertools.chain([first], found))
    paths = itertools.chain([first], found)
    return _list_pins(_pin(path for path in paths if not path.is_dir()), root=None)


def _pin(paths: Iterable[Path]) -> Iterator[files.Pinned | None]:
    """Yields photos as they are now, None for what is none by its name."""
    for uri in map(files.to_uri, paths):
        yield from files.pins([uri]) if _is_photo(uri) else [None]


def _matches(pattern: str, left_out: Iterable[str]) -> Iterator[Path]:
    """Yields what matches a glob, unless it is in one of some real folders."""
    for name in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - absolute too
        if not _is_in(Path(name), left_out):
            yield Path(name)


def _is_photo(uri: str) -> bool:
    """Whether a file is a photo by its name."""
    name = uri.rpartition("/")[2].lower()
    stem, _, extension = name.rpartition(".")  # a hidden file has no stem
    known = f".{extension}" in PHOTO_EXTENSIONS | REFUSED_EXTENSIONS
    return bool(stem) and not name.startswith(".") and known


def _list_pins(pins: Iterable[files.Pinned | None], *, root: str | None) -> Listing:
    ignored = 0

    def photos() -> Iterator[files.Pinned]:
        nonlocal ignored
        for pin in pins:
            if pin is None:
                ignored += 1
            else:
                yield pin

    return Listing(Photos.sorted(_tables(photos())), root, ignored)


def _tables(pins: Iterable[files.Pinned]) -> Iterator[pa.Table]:
    left = iter(pins)
    while block := list(itertools.islice(left, _BLOCK)):
        uris, versions, generations = zip(*block, strict=True)
        offsets = pa.nulls(len(block), pa.int64())
        columns = [list(uris), list(versions), offsets, list(generations)]
        yield pa.table(columns, schema=LISTING_SCHEMA)


def _list_records(paths: Iterable[Path]) -> Listing:
    tables = itertools.chain.from_iterable(map(_record_tables, paths))
    return Listing(Photos.sorted(tables), None, 0)


def _record_tables(path: Path) -> Iterator[pa.Table]:
    (pin,) = files.pins([files.to_uri(path)])
    # A record of a damaged length becomes a row when it is read.
    found = enumerate(tfrecord.frame_offsets(path, with_damaged=True))
    while block := list(itertools.islice(found, _BLOCK)):
        uris = [f"{pin.uri}#{number}" for number, _ in block]
        offsets = [offset for _, offset in block]
        pinned = [[pin.version] * len(block), offsets, [pin.generation] * len(block)]
        yield pa.table([uris, *pinned], schema=LISTING_SCHEMA)


def _list_manifest(path: Path) -> Listing:
    tables = sort_unique(manifests.read(path), manifests.SCHEMA)
    uris = (uri for table in tables for uri in table["image_uri"].to_pylist())
    return Listing(Photos(_tables(files.pins(uris))), None, 0)


def read(
    uri: str,
    *,
    version: str,
    offset: int | None,
    root: str | None,
    generation: int | None = None,
) -> bytes:
    """Returns the encoded bytes of one listed photo.

    Raises:
        BadImage: They cannot be read; the reason is a row's reason.
    """
    del generation
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
    encoded = example.features.feature[_PHOTO].bytes_list.value
    if len(encoded) != 1:
        detail = f"the record has no {_PHOTO}"
        raise BadImage("not-an-image", detail, stage="read")
    return encoded[0]


def read_again(uri: str, *, version: str) -> bytes:
    """Returns the encoded bytes of a photo that a table names, which has no offsets.

    Raises:
        BadImage: They cannot be read any more, or are other bytes now.
    """
    container, _, number = uri.rpartition("#")
    is_record = number.isdecimal() and files.exists(container)
    if not is_record or files.exists(uri):
        return files.read_photo(uri, version=version)
    path = files.to_path(container)
    offsets = tfrecord.frame_offsets(path, with_damaged=True)
    offset = next(itertools.islice(offsets, int(number), None), None)
    if offset is None:
        raise BadImage("vanished", "the file has no such record", stage="read")
    return read(uri, version=version, offset=offset, root=None)
