"""What `--input` names: a folder, a glob, a manifest or TFRecords -> photos.

Listing reads no photo: names, sizes and times only. The result is sorted and free of
repetitions, whatever order the file system lists names in.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa

from fcn_core.images.extensions import PHOTO_EXTENSIONS, REFUSED_EXTENSIONS
from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import manifests, records
from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.layout import OUTPUT_FOLDERS
from pipelines.score.no_photo import NoMatch, is_records, why_no_photo
from pipelines.score.photos import Photos
from pipelines.score.unread import Aside, Unread, aside_of

_EXTENSIONS: Final = PHOTO_EXTENSIONS | REFUSED_EXTENSIONS
_BLOCK: Final = 1 << 14  # photos


@dataclass(frozen=True)
class Listing:
    """The photos of an input.

    Attributes:
        photos: Sorted by URI, each URI once.
        root: The listed folder, out of which no link may lead; None for manifests.
        aside: What the input has besides.
    """

    photos: Photos
    root: str | None
    aside: Aside = field(default_factory=Aside)

    @property
    def ignored(self) -> int:
        """Files that are not photos by their name."""
        return self.aside.ignored


def list_photos(
    uri: str, *, output: str, exclude: Sequence[str] = (), may_be_empty: bool = False
) -> Listing:
    """Lists the photos of an input.

    Args:
        uri: Folder (searched through), glob, text/CSV/Parquet manifest or TFRecord(s).
        output: The job's output, never read as input.
        exclude: Patterns of names and paths in it that are left out.
        may_be_empty: Whether it may have no photo; it must be there, and readable.

    Raises:
        UsageError: There is nothing there, or no photo in it.
    """
    try:
        listing = _list(uri, output, tuple(exclude))
    except NoMatch as none:
        if not may_be_empty:
            raise
        return Listing(Photos([]), None, none.aside)
    except OSError as error:
        raise UsageError(
            f"--input {uri}: got {str(error.strerror).lower()} ({error.filename}), "
            "expected what can be read; change its rights or leave it out"
        ) from error
    except SystemicFault as fault:
        raise UsageError(f"--input {fault}") from fault
    is_known = may_be_empty and not listing.aside.unread
    if listing.photos.num_rows == 0 and not is_known:
        raise UsageError(f"--input {uri}: {why_no_photo(uri, listing.aside)}")
    return listing


def _list(uri: str, output: str, exclude: tuple[str, ...]) -> Listing:
    if files.is_pattern(uri) and not files.exists(uri):
        return _list_glob(uri, output, exclude)
    root = files.as_spelt(files.to_uri(uri))
    if files.is_folder(root):
        return _list_folder(root, output, exclude)
    if not files.exists(root):
        raise UsageError(
            f"--input {uri}: got nothing there, expected a folder of photos, a glob, "
            "a text/CSV/Parquet manifest or TFRecords; check the path"
        )
    if manifests.is_manifest(root):
        return _list_manifest([root], exclude=exclude)
    if exclude:
        raise UsageError(
            f"--exclude: got {' '.join(exclude)} with one file as --input, expected a "
            "folder, a glob or a list; leave it out"
        )
    if is_records(root):
        return _list_records([root])
    name = files.name_of(root)
    if name.rpartition(".")[1] and _extension(name) in _EXTENSIONS:
        return _list_pins(files.pins([root]), root=None)
    raise UsageError(
        f"--input {uri}: got a {_extension(name) or 'nameless'} file, expected a "
        "folder, a glob, a .txt/.csv/.parquet manifest or .tfrecord files"
    )


def _list_folder(root: str, output: str, exclude: tuple[str, ...]) -> Listing:
    left_out = _never_read(output, root)
    if _is_in(root, left_out):
        raise UsageError(
            f"--input {root}: got results of --output {output}, expected photos; "
            "choose another folder"
        )
    survey = files.Survey(frozenset(left_out), exclude)
    tables, of_records = list[str](), list[str]()

    def wanted(found: str) -> bool:
        if _is_photo(found):
            return True
        if manifests.is_part(found.removeprefix(f"{root}/")):
            tables.append(found)
        elif is_records(found):
            of_records.append(found)
        return False

    found = files.walk_pinned(root, wanted=wanted, survey=survey)
    listing = _list_pins(found, root=root, survey=survey)
    if listing.photos.num_rows or not (tables or of_records):
        return listing
    if of_records:
        return _list_records(sorted(of_records), survey=survey)
    return _list_manifest(sorted(tables), root=root, exclude=exclude)


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


def _list_glob(pattern: str, output: str, exclude: tuple[str, ...]) -> Listing:
    left_out = _never_read(output, files.fixed_folder(pattern))

    def is_left(uri: str) -> bool:
        return not _is_in(uri, left_out)

    def survey() -> files.Survey:
        named = files.entering(pattern.split("/"))
        return files.Survey(exclude=exclude, wanted=named)

    # Another look at the names costs less than to keep all of them.
    first_look = survey()
    matches = filter(is_left, files.match(pattern, survey=first_look))
    first = next(matches, None)
    if first is None:
        aside = aside_of(first_look)
        if aside.unread or aside.left_out:
            raise UsageError(f"--input {pattern}: {why_no_photo(pattern, aside)}")
        raise NoMatch(pattern, aside)
    if all(map(is_records, itertools.chain([first], matches))):
        looked = survey()
        found = filter(is_left, files.match(pattern, survey=looked))
        return _list_records(found, survey=looked)

    def wanted(uri: str) -> bool:
        return _is_photo(uri) and is_left(uri)

    looked = survey()
    pins = files.match_pinned(pattern, wanted=wanted, survey=looked)
    return _list_pins(pins, root=None, survey=looked)


def _list_pins(
    pins: Iterable[files.Pinned | None],
    *,
    root: str | None,
    survey: files.Survey | None = None,
) -> Listing:
    ignored = 0

    def photos() -> Iterator[files.Pinned]:
        nonlocal ignored
        for pin in pins:
            if pin is None:
                ignored += 1
            else:
                yield pin

    listed = Photos.sorted(_tables(photos()))
    return Listing(listed, root, aside_of(survey, ignored=ignored))


def _tables(pins: Iterable[files.Pinned]) -> Iterator[pa.Table]:
    left = iter(pins)
    while block := list(itertools.islice(left, _BLOCK)):
        uris, versions, generations = zip(*block, strict=True)
        offsets = pa.nulls(len(block), pa.int64())
        columns = [list(uris), list(versions), offsets, list(generations)]
        yield pa.table(columns, schema=LISTING_SCHEMA)


def _list_records(
    uris: Iterable[str], *, survey: files.Survey | None = None
) -> Listing:
    lost = list[Unread]()
    tables = (
        table for pin in files.pins(uris) for table in records.tables(pin, lost=lost)
    )
    photos = Photos.sorted(tables)
    return Listing(photos, None, aside_of(survey, lost=lost))


def _list_manifest(
    uris: Sequence[str], *, root: str | None = None, exclude: tuple[str, ...] = ()
) -> Listing:
    """Returns the photos of a list, in one file or as the parts of a folder."""
    tables = itertools.chain.from_iterable(manifests.read(u, root=root) for u in uris)
    named = (uri for table in tables for uri in table["image_uri"].to_pylist())
    survey = files.Survey(exclude=exclude, wanted=files.NOT_PHOTOS)
    folder = (root or uris[0]).rpartition("/")[0]
    kept = manifests.kept(named, folder, survey) if exclude else named
    listed = Photos.sorted(_tables(files.pins_as_spelt(kept)))
    return Listing(listed, None, aside_of(survey))


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
    return records.read(photo, item["offset"])


def read_again(uri: str, *, version: str) -> bytes:
    """Returns the encoded bytes of a photo that a table names, which has no offsets.

    Raises:
        BadImage: They cannot be read any more, or are other bytes now.
    """
    container, _, number = uri.rpartition("#")
    is_record = number.isdecimal() and files.exists(container)
    if not is_record or files.exists(uri):
        return files.read_photo(uri, version=version)
    return records.read_again(container, int(number), version=version)
