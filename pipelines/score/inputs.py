"""What `--input` names: a folder, a glob, a manifest or TFRecords -> photos.

Listing reads no photo: names, sizes and times only. The result is sorted and free of
repetitions, whatever order the file system lists names in.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
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
from pipelines.score.photos import Photos
from pipelines.score.sorting import sort_unique

_PHOTO: Final = keys(ImageRecord)["encoded"]
_EXTENSIONS: Final = PHOTO_EXTENSIONS | REFUSED_EXTENSIONS
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
        return _list_pins(found, root=root)
    if not files.exists(root):
        raise UsageError(
            f"--input {uri}: got nothing there, expected a folder of photos, a glob, "
            "a text/CSV/Parquet manifest or TFRecords; check the path"
        )
    if manifests.is_manifest(root):
        return _list_manifest(root)
    if _is_records(root):
        return _list_records([root])
    name = files.name_of(root)
    if name.rpartition(".")[1] and _extension(name) in _EXTENSIONS:
        return _list_pins(files.pins([root]), root=None)
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
    left_out = _never_read(output, files.fixed_folder(pattern))

    def is_left(uri: str) -> bool:
        return not _is_in(uri, left_out)

    # Another look at the names costs less than to keep all of them.
    matches = filter(is_left, files.match(pattern))
    first = next(matches, None)
    if first is None:
        raise UsageError(
            f"--input {pattern}: got no match, expected at least one photo; "
            "quote the pattern and check it with ls"
        )
    if all(map(_is_records, itertools.chain([first], matches))):
        return _list_records(filter(is_left, files.match(pattern)))

    def wanted(uri: str) -> bool:
        return _is_photo(uri) and is_left(uri)

    found = files.match_pinned(pattern, wanted=wanted)
    return _list_pins(found, root=None)


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


def _list_records(uris: Iterable[str]) -> Listing:
    tables = itertools.chain.from_iterable(map(_record_tables, files.pins(uris)))
    return Listing(Photos.sorted(tables), None, 0)


def _record_tables(pin: files.Pinned) -> Iterator[pa.Table]:
    with files.open_for_reading(pin.uri) as file:
        # A record of a damaged length becomes a row when it is read.
        found = enumerate(tfrecord.frame_offsets(file, with_damaged=True))
        while block := list(itertools.islice(found, _BLOCK)):
            uris = [f"{pin.uri}#{number}" for number, _ in block]
            offsets = [offset for _, offset in block]
            pinned = [[pin.version] * len(block), offsets]
            columns = [uris, *pinned, [pin.generation] * len(block)]
            yield pa.table(columns, schema=LISTING_SCHEMA)


def _list_manifest(uri: str) -> Listing:
    tables = sort_unique(manifests.read(uri), manifests.SCHEMA)
    uris = (uri for table in tables for uri in table["image_uri"].to_pylist())
    return Listing(Photos(_tables(files.pins(uris))), None, 0)


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
