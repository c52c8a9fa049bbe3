"""Photos in TFRecords: each is known by its file and its number there."""

import itertools
from collections.abc import Iterator
from typing import BinaryIO, Final

import pyarrow as pa

from fcn_core.bad_image import BadImage
from fcn_core.records import salvage, tfrecord
from fcn_core.records.record import ImageRecord, keys
from fcn_core.records.salvage import Stretch
from pipelines import files
from pipelines.faults import UsageError
from pipelines.score.items import LISTING_SCHEMA
from pipelines.score.unread import Unread

_PHOTO: Final = keys(ImageRecord)["encoded"]
_BLOCK: Final = 1 << 14  # photos


def tables(pin: files.Pinned, *, lost: list[Unread]) -> Iterator[pa.Table]:
    """Yields the records of a file, as tables of LISTING_SCHEMA.

    Args:
        pin: The file.
        lost: Learns what cannot be told to be records.

    Raises:
        UsageError: The whole file is compressed.
    """
    with files.open_for_reading(pin.uri) as file:
        _check_plain(file, pin.uri)
        gaps, count, size = list[Stretch](), 0, 0
        found = salvage.stretches(file)
        while block := list(itertools.islice(found, _BLOCK)):
            gaps += [stretch for stretch in block if not stretch.is_record]
            whole = [stretch for stretch in block if stretch.is_record]
            size += sum(stretch.end - stretch.start for stretch in whole)
            yield _table(pin, whole, first=count)
            count += len(whole)
    for gap in gaps:
        lost.append(_lost(pin.uri, gap, mean=size / count if count else None))


def _check_plain(file: BinaryIO, uri: str) -> None:
    if (compressed := salvage.compression(file)) is not None:
        kind, cure = compressed
        raise UsageError(
            f"--input {uri}: got a TFRecord file compressed as a whole ({kind}), "
            f"expected one that is not; {cure}, or write it without compression"
        )


def _table(pin: files.Pinned, whole: list[Stretch], *, first: int) -> pa.Table:
    uris = [f"{pin.uri}#{first + index}" for index in range(len(whole))]
    pinned = [[pin.version] * len(whole), [stretch.start for stretch in whole]]
    columns = [uris, *pinned, [pin.generation] * len(whole)]
    return pa.table(columns, schema=LISTING_SCHEMA)


def _lost(uri: str, gap: Stretch, *, mean: float | None) -> Unread:
    size = gap.end - gap.start
    photos = max(1, round(size / mean)) if mean else 1
    why = (
        f"{size} bytes from {gap.start} on are no whole records (about {photos} "
        "photos); restore the file"
    )
    return Unread(uri=uri, why=why, photos=photos)


def read(photo: files.Pinned, offset: int) -> bytes:
    """Returns the encoded bytes of a planned photo.

    Args:
        photo: Its URI is `file#number`; the version is the file's.
        offset: Where its record begins.

    Raises:
        BadImage: They cannot be read.
    """
    container, _, number = photo.uri.rpartition("#")
    pinned = photo._replace(uri=container)
    try:
        with files.open_for_reading(container, pinned=pinned) as file:
            record = salvage.read_record(file, offset)
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
    return bytes(encoded[0])


def read_again(container: str, number: int, *, version: str) -> bytes:
    """Returns the encoded bytes of a photo whose offset is not known.

    Raises:
        BadImage: They cannot be read any more, or are other bytes now.
    """
    with files.open_for_reading(container) as file:
        whole = (one for one in salvage.stretches(file) if one.is_record)
        found = next(itertools.islice(whole, number, None), None)
    if found is None:
        raise BadImage("vanished", "the file has no such record", stage="read")
    pin = next(files.pins([container]))
    photo = pin._replace(uri=f"{container}#{number}", version=version)
    return read(photo, found.start)
