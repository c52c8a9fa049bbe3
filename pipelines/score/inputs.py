"""What `--input` names: a folder, a glob, a manifest or TFRecords -> photos.

Listing reads no photo: names, sizes and times only. The result is sorted and free of
repetitions, whatever order the file system lists names in.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa

from fcn_core.bad_image import BadImage
from fcn_core.images.extensions import PHOTO_EXTENSIONS, REFUSED_EXTENSIONS
from fcn_core.records import tfrecord
from fcn_core.records.record import ImageRecord, keys
from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import manifests
from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.layout import OUTPUT_FOLDERS

_PHOTO: Final = keys(ImageRecord)["encoded"]
_EXTENSIONS: Final = PHOTO_EXTENSIONS | REFUSED_EXTENSIONS


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
    except SystemicFault as fault:
        raise UsageError(f"--input {fault}") from fault
    if listing.photos.num_rows == 0:
        others = f" among {listing.ignored} files" if listing.ignored else ""
        raise UsageError(
            f"--input {uri}: got no photo{others}, expected files ending in "
            f"{', '.join(sorted(PHOTO_EXTENSIONS))}; check the path"
        )
    return listing


def _list(uri: str, output: str) -> Listing:
    if files.is_pattern(uri) and not files.exists(uri):
        return _list_glob(uri, output)
    root = files.to_uri(uri)
    if files.is_folder(root):
        left_out = _never_read(output, root)
        if _is_in(root, left_out):
            raise UsageError(
                f"--input {uri}: got results of --output {output}, expected photos; "
                "choose another folder"
            )
        found = files.walk_pinned(root, leave_out=left_out, wanted=_is_photo)
        return _listing(found, root=root)
    if not files.exists(root):
        raise UsageError(
            f"--input {uri}: got nothing there, expected a folder of photos, a glob, "
            "a text/CSV/Parquet manifest or TFRecords; check the path"
        )
    if manifests.is_manifest(root):
        return _listing(files.pins(sorted(set(manifests.read(root)))), root=None)
    if _is_records(root):
        return _list_records([root])
    name = files.name_of(root)
    if name.rpartition(".")[1] and _extension(name) in _EXTENSIONS:
        return _listing(files.pins([root]), root=None)
    raise UsageError(
        f"--input {uri}: got a {_extension(name) or 'nameless'} file, expected a "
        "folder, a glob, a .txt/.csv/.parquet manifest or .tfrecord files"
    )


def _is_records(uri: str) -> bool:
    return ".tfrecord" in files.name_of(uri)


def _extension(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_photo(uri: str) -> bool:
    """Returns whether a file is a photo by its name."""
    name = uri.rpartition("/")[2].lower()
    stem, _, extension = name.rpartition(".")  # a hidden file has no stem
    return bool(stem) and name[0] != "." and f".{extension}" in _EXTENSIONS


def _never_read(output: str, root: str) -> list[str]:
    """Returns the real paths of an output's folders that are not input.

    That is all of it, unless it holds the input: then only what jobs write there.
    """
    real = files.real_path(output)
    if not _is_in(root, [real]):
        return [real]
    return [files.real_path(files.join(real, name)) for name in OUTPUT_FOLDERS]


def _is_in(uri: str, real_folders: Iterable[str]) -> bool:
    real = f"{files.real_path(uri)}/"
    return any(real.startswith(f"{folder}/") for folder in real_folders)


def _list_glob(pattern: str, output: str) -> Listing:
    fixed = files.fixed_folder(pattern)
    left_out = _never_read(output, fixed)

    def is_left(uri: str) -> bool:
        return not _is_in(uri, left_out)

    found = sorted(filter(is_left, files.match(pattern)))
    if not found:
        raise UsageError(
            f"--input {pattern}: got no match, expected at least one photo; "
            "quote the pattern and check it with ls"
        )
    if all(map(_is_records, found)):
        return _list_records(found)

    def wanted(uri: str) -> bool:
        return _is_photo(uri) and is_left(uri)

    return _listing(files.match_pinned(pattern, wanted=wanted), root=None)


def _listing(found: Iterable[files.Pinned | None], *, root: str | None) -> Listing:
    photos, ignored = list[files.Pinned](), 0
    for photo in found:
        if photo is None:
            ignored += 1
        else:
            photos.append(photo)
    photos.sort()
    return Listing(_table(photos, [None] * len(photos)), root, ignored)


def _list_records(uris: list[str]) -> Listing:
    photos, offsets = list[files.Pinned](), list[int | None]()
    for container in files.pins(uris):
        # A record of a damaged length becomes a row when it is read.
        with files.open_for_reading(container.uri) as file:
            found = tfrecord.frame_offsets(file, with_damaged=True)
            for number, offset in enumerate(found):
                uri = f"{container.uri}#{number}"
                photos.append(container._replace(uri=uri))
                offsets.append(offset)
    return Listing(_table(photos, offsets).sort_by("image_uri"), None, 0)


def _table(photos: Sequence[files.Pinned], offsets: Sequence[int | None]) -> pa.Table:
    columns = [
        [photo.uri for photo in photos],
        [photo.version for photo in photos],
        offsets,
        [photo.generation for photo in photos],
    ]
    return pa.table(columns, schema=LISTING_SCHEMA)


def read(item: Mapping[str, Any], *, root: str | None) -> bytes:
    """Returns the encoded bytes of one planned photo.

    Args:
        item: A row of LISTING_SCHEMA.
        root: The listed folder, out of which no link may lead.

    Raises:
        BadImage: They cannot be read; the reason is a row's reason.
    """
    photo = files.Pinned(item["image_uri"], item["version"], item["generation"])
    if item["offset"] is None:
        uri, version, generation = photo
        return files.read_photo(uri, version=version, generation=generation, root=root)
    container, _, number = photo.uri.rpartition("#")
    return _read_record(photo._replace(uri=container), item["offset"], number)


def _read_record(container: files.Pinned, offset: int, number: str) -> bytes:
    try:
        with files.open_for_reading(container.uri, pinned=container) as file:
            file.seek(offset)
            record = next(tfrecord.read_frames(file))
            example = tfrecord.example_class().FromString(record)
    except BadImage:
        raise
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
    with files.open_for_reading(container) as file:
        offsets = tfrecord.frame_offsets(file, with_damaged=True)
        offset = next(itertools.islice(offsets, int(number), None), None)
    if offset is None:
        raise BadImage("vanished", "the file has no such record", stage="read")
    pinned = next(files.pins([container]))._replace(version=version)
    return _read_record(pinned, offset, number)
