"""Reading gs://; `files.reading` says what each function does.

An object's version is its size and CRC32C, which the store keeps for every object: the
same bytes are the same version, however often they were uploaded. What is read is
compared with it. The generation names one upload, so a photo that is replaced while a
night runs is never read half from one and half from the other.
"""

import base64
import hashlib
import io
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import google_crc32c
from google.cloud import storage

from fcn_core.bad_image import BadImage
from fcn_core.names import composed
from pipelines.files import patterns, uris
from pipelines.files.gcs_client import TIMEOUT, blob_of, call, client, split, uri_of
from pipelines.files.gcs_listing import list_below
from pipelines.files.gcs_object import OpenObject, download, download_unchecked, size_of
from pipelines.files.pinned import UNKNOWN, Pinned
from pipelines.files.survey import Survey

_MAX_PHOTO_BYTES: Final = 64 << 20
_READ_AHEAD: Final = 1 << 20
"""Bytes a request of an open object: a record is read to its end, not much more."""
_TRIES: Final = 5
"""How often bytes that do not match their checksum are asked for."""


def exists(uri: str) -> bool:
    """Returns whether an object is there, or one below it."""
    return is_file(uri) or is_folder(uri)


def is_file(uri: str) -> bool:
    """Returns whether an object is there."""
    return bool(split(uri)[1]) and _find(uri) is not None


def is_folder(uri: str) -> bool:
    """Returns whether an object is below it; a bucket that is there is a folder."""
    bucket, name = split(uri)

    def request() -> bool:
        found = client().list_blobs(
            bucket,
            prefix=_prefix(name),
            max_results=1,
            timeout=TIMEOUT,
            retry=None,
        )
        return bool(list(found)) or not name

    try:
        return call(uri, request)
    except FileNotFoundError:
        return False


def _prefix(name: str) -> str:
    return f"{name}/" if name else ""


def size(uri: str) -> int | None:
    """Returns the bytes of an object; None where there is none."""
    blob = _find(uri)
    return None if blob is None else int(blob.size)


def _find(uri: str) -> storage.Blob | None:
    """Returns an object with what the store knows of it; None where there is none."""
    blob = blob_of(uri)
    try:
        call(uri, lambda: blob.reload(timeout=TIMEOUT, retry=None))
    except FileNotFoundError:
        return None
    return blob


def read_bytes(uri: str) -> bytes:
    """Returns the whole content of an object, compared with its checksum."""
    blob = blob_of(uri)
    return call(uri, lambda: download(blob))


def sha256(uri: str) -> str:
    """Returns the sha256 of an object in hex."""
    with local_copy(uri) as path, path.open("rb") as file:  # its checksum is compared
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def open_for_reading(uri: str, *, pinned: Pinned | None) -> Iterator[BinaryIO]:
    """Opens an object, which must be the pinned one."""
    live = pinned if pinned and pinned.generation is not None else pin(uri)
    if live.version == UNKNOWN:
        raise FileNotFoundError(2, "no such object", uri)
    if pinned is not None and pinned.version != live.version:
        raise _changed()
    with io.BufferedReader(OpenObject(live), _READ_AHEAD) as file:
        try:
            yield cast(BinaryIO, file)
        except FileNotFoundError as error:
            if pinned is None:
                raise
            raise _changed() from error


@contextmanager
def local_copy(uri: str) -> Iterator[Path]:
    """Returns a temporary copy of an object."""
    with tempfile.TemporaryDirectory(prefix="fcn-") as folder:
        path = Path(folder, Path(split(uri)[1]).name)
        download_to(uri, path)
        yield path


def download_to(uri: str, path: Path) -> None:
    """Writes an object into a local file, compared with its checksum."""
    blob = blob_of(uri)
    call(
        uri,
        lambda: blob.download_to_filename(
            path, raw_download=True, checksum="crc32c", timeout=TIMEOUT, retry=None
        ),
    )


def parallel_reads() -> int:
    """Returns how many objects to read at once: 50 ms each, 100 and more a second."""
    return 32


def pin(uri: str) -> Pinned:
    """Returns an object with its version and generation."""
    blob = _find(uri)
    return Pinned(uri, UNKNOWN) if blob is None else _pinned(uri, blob)


def _pinned(uri: str, blob: storage.Blob) -> Pinned:
    crc32c = base64.b64decode(blob.crc32c).hex()
    return Pinned(uri, f"{blob.size}-{crc32c}", int(blob.generation))


def read_photo(photo: Pinned, *, root: str | None) -> bytes:
    """Returns the bytes of a photo, exactly those that were pinned."""
    try:
        if photo.generation is None:  # one request, not two, where all is well
            data = read_bytes(photo.uri)
            if photo.version in ("", _version_of(data)):
                return data
            return _read_pinned(_pin_live(photo))
        return _read_pinned(photo)
    except FileNotFoundError:
        # Uploaded again since, perhaps with the same bytes.
        live = _pin_live(photo)
    try:
        return _read_pinned(live)
    except FileNotFoundError as error:
        raise _changed() from error


def _pin_live(photo: Pinned) -> Pinned:
    """Returns the photo as it is now, which must have the version that was pinned."""
    live = pin(photo.uri)
    if live.version == UNKNOWN:
        raise BadImage("vanished", "listed, but gone", stage="read")
    if photo.version and live.version != photo.version:
        raise _changed()
    return live


def _read_pinned(photo: Pinned) -> bytes:
    blob = blob_of(photo.uri, generation=photo.generation)
    if size_of(photo) > _MAX_PHOTO_BYTES:  # refused by its size: the decoder says so
        return call(photo.uri, lambda: download(blob, end=_MAX_PHOTO_BYTES))
    data = b""
    for _ in range(_TRIES):
        data = call(photo.uri, lambda: download_unchecked(blob))
        if _version_of(data) == photo.version:
            return data
    detail = f"{len(data)} bytes, other ones than the store's checksum promises"
    raise BadImage("checksum-mismatch", detail, stage="read")


def _version_of(data: bytes) -> str:
    return f"{len(data)}-{google_crc32c.Checksum(data).hexdigest().decode()}"


def _changed() -> BadImage:
    detail = "another content than when the plan was made"
    return BadImage("changed-while-reading", detail, stage="read")


def list_names(uri: str) -> list[str]:
    """Returns the sorted names in a folder, hidden ones left out."""
    bucket, name = split(uri)
    prefix = _prefix(name)

    def request() -> set[str]:
        found = client().list_blobs(
            bucket,
            prefix=prefix,
            delimiter="/",
            fields="items(name),prefixes,nextPageToken",
            timeout=TIMEOUT,
            retry=None,
        )
        names = {blob.name.removeprefix(prefix) for blob in found}
        return names | {p.removeprefix(prefix).rstrip("/") for p in found.prefixes}

    try:
        names = call(uri, request)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name and not name.startswith("."))


def walk(root: str, *, survey: Survey) -> Iterator[tuple[str, Pinned | None]]:
    """Yields the objects below a folder, with their versions, in no order.

    What ends in a slash stands for a folder in the store's console: it is left out.
    """
    bucket, name = split(root)
    prefix = _prefix(name)
    left_out = tuple(f"{uri}/" for uri in survey.folders if uris.is_gcs(uri))
    for blob in list_below(bucket, prefix):
        below = blob.name.removeprefix(prefix)
        uri = uri_of(bucket, blob.name)
        folders = below.split("/")[:-1]
        # Not `..`, which is a name like any other here.
        is_hidden = any(f.startswith(".") and f.strip(".") for f in folders)
        if below.endswith("/") or is_hidden or uri.startswith(left_out):
            continue
        if not survey.leaves_out_path(below):
            yield uri, _pinned(uri, blob)


def match(pattern: str, *, survey: Survey) -> Iterator[tuple[str, Pinned | None]]:
    """Yields the objects that match a pattern, with their versions, in no order.

    A store knows prefixes byte by byte, and each accent may be stored in either Unicode
    form: so all is listed that begins like the pattern up to the first of them.
    """
    bucket, name = split(pattern)
    fixed = "".join(itertools.takewhile(lambda c: c not in patterns.SIGNS, name))
    folders = fixed.count("/")
    plain = "".join(itertools.takewhile(str.isascii, composed(fixed)))
    for blob in list_below(bucket, plain):
        if blob.name.endswith("/") or not patterns.matches(blob.name, name):
            continue
        if not survey.leaves_out_path("/".join(blob.name.split("/")[folders:])):
            uri = uri_of(bucket, blob.name)
            yield uri, _pinned(uri, blob)
