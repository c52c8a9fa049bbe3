"""What `--input` names: a folder, a glob, a manifest or TFRecords -> photos.

Listing reads no photo: names, sizes and times only. The result is sorted and free of
repetitions, whatever order the file system lists names in.
"""

import glob
import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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

_PHOTO = keys(ImageRecord)["encoded"]


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
        return _list_files(files.walk(root, leave_out=left_out), root=root)
    if not path.exists():
        raise UsageError(
            f"--input {uri}: got nothing there, expected a folder of photos, a glob, "
            "a text/CSV/Parquet manifest or TFRecords; check the path"
        )
    if manifests.is_manifest(path):
        return Listing(_table(manifests.read(path)), None, 0)
    if ".tfrecord" in path.name:
        return _list_records([path])
    if path.suffix.lower() in PHOTO_EXTENSIONS | REFUSED_EXTENSIONS:
        return _list_files([files.to_uri(path)], root=None)
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
    found = [
        Path(name)
        for name in glob.glob(pattern, recursive=True)  # noqa: PTH207 - absolute too
        if not _is_in(Path(name), left_out)
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
        stem, _, extension = name.rpartition(".")  # a hidden file has no stem
        known = f".{extension}" in PHOTO_EXTENSIONS | REFUSED_EXTENSIONS
        if not stem or name.startswith(".") or not known:
            ignored += 1
        else:
            photos.append(uri)
    return Listing(_table(photos), root, ignored)


def _list_records(paths: list[Path]) -> Listing:
    uris, versions, offsets = list[str](), list[str](), list[int]()
    for path in paths:
        uri = files.to_uri(path)
        version = files.version(uri)
        # A record of a damaged length becomes a row when it is read.
        found = tfrecord.frame_offsets(path, with_damaged=True)
        for number, offset in enumerate(found):
            uris.append(f"{uri}#{number}")
            versions.append(version)
            offsets.append(offset)
    photos = pa.table([uris, versions, offsets], schema=LISTING_SCHEMA)
    return Listing(photos.sort_by("image_uri"), None, 0)


def _table(uris: list[str]) -> pa.Table:
    unique = sorted(set(uris))
    versions = [files.version(uri) for uri in unique]
    offsets = pa.nulls(len(unique), pa.int64())
    return pa.table([unique, versions, offsets], schema=LISTING_SCHEMA)


def read(uri: str, *, version: str, offset: int | None, root: str | None) -> bytes:
    """Returns the encoded bytes of one listed photo.

    Raises:
        BadImage: They cannot be read; the reason is a row's reason.
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
