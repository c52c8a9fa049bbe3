"""Writing gs://; `files.writing` says what each function does.

An object appears whole when its upload ends, and is durable then. Creating once is a
condition of the upload: no object of that name yet. A refusal (HTTP 412) does not mean
that another attempt won: where the answer to our own upload was lost, its repetition
meets our own object. So each upload carries a token of its writer, and the token of the
object that is there decides.
"""

import io
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, BinaryIO, Final, cast

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage

from pipelines.faults import SystemicFault, UsageError
from pipelines.files.gcs_client import (
    TIMEOUT,
    blob_of,
    call,
    client,
    split,
    uri_of,
)
from pipelines.files.gcs_listing import list_below

_WRITER: Final = "fcn-writer"
_SPOOLED: Final = 8 << 20
"""Bytes of a new file that stay in memory before it goes to the disk."""


def write_atomically(
    uri: str, data: bytes | Sequence[bytes], *, durable: bool, parents: bool
) -> None:
    """Writes an object, durable and without parents in any case."""
    whole = data if isinstance(data, bytes) else b"".join(data)
    blob = blob_of(uri)
    call(uri, lambda: _upload(blob, whole))


def _upload(
    blob: storage.Blob, data: bytes, *, if_generation_match: int | None = None
) -> None:
    blob.upload_from_string(
        data,
        content_type="application/octet-stream",
        if_generation_match=if_generation_match,
        checksum="crc32c",
        timeout=TIMEOUT,
        retry=None,
    )


def create_once(uri: str, data: bytes, *, durable: bool, parents: bool) -> bool:
    """Creates an object if there is none of that name."""
    token = secrets.token_hex(16)

    def request() -> None:
        blob = blob_of(uri)
        blob.metadata = {_WRITER: token}
        _upload(blob, data, if_generation_match=0)

    while True:
        try:
            call(uri, request)
            return True
        except PreconditionFailed:
            blob = blob_of(uri)
            try:
                call(uri, lambda blob=blob: blob.reload(timeout=TIMEOUT, retry=None))  # type: ignore[misc]
            except FileNotFoundError:  # removed since
                continue
            return (blob.metadata or {}).get(_WRITER) == token


@contextmanager
def new_file(uri: str, *, durable: bool) -> Iterator[BinaryIO]:
    """Opens a file on this machine that is uploaded when the block ends."""
    with tempfile.SpooledTemporaryFile(_SPOOLED) as file:
        yield cast(BinaryIO, file)
        blob, size = blob_of(uri), file.seek(0, io.SEEK_END)
        call(uri, lambda: _upload_file(blob, file, size))


def _upload_file(blob: storage.Blob, file: IO[bytes], size: int) -> None:
    blob.upload_from_file(
        file,
        rewind=True,
        size=size,  # a small one is one request then, not two
        content_type="application/octet-stream",
        checksum="crc32c",
        timeout=TIMEOUT,
        retry=None,
    )


def make_folder(uri: str, *, durable: bool) -> None:
    """Does nothing: there are no folders."""


def make_last_folder(uri: str) -> None:
    """Does nothing: there are no folders."""


def sync_store(uri: str) -> None:
    """Does nothing: what is there is durable."""


def move(uri: str, target: str, *, durable: bool, parents: bool) -> None:
    """Copies an object inside the store, then removes it under its old name."""
    source, copy = blob_of(uri), blob_of(target)

    def request() -> None:
        token = None
        while True:
            token, _, _ = copy.rewrite(source, token=token, timeout=TIMEOUT, retry=None)
            if token is None:
                return

    call(uri, request)
    remove(uri)


def remove(uri: str) -> None:
    """Removes an object; one that is gone already is fine."""
    blob = blob_of(uri)

    def request() -> None:
        try:
            blob.delete(timeout=TIMEOUT, retry=None)
        except NotFound:
            return

    call(uri, request)


def remove_folder(uri: str) -> None:
    """Removes all objects below a name, several at once."""
    bucket, name = split(uri)
    with ThreadPoolExecutor(parallel_writes()) as pool:
        found = list_below(bucket, f"{name}/")
        uris = (uri_of(bucket, blob.name) for blob in found)
        for _ in pool.map(remove, uris):
            pass


def remove_temporaries(uri: str, *, below: bool) -> None:
    """Does nothing: there are no temporary files."""


def find_temporaries(uri: str, *, below: bool) -> Iterator[str]:
    """Yields nothing: there are no temporary files."""
    return iter(())


def check_writable(uri: str) -> None:
    """Checks that objects can be created, listed and removed below a name."""
    bucket, name = split(uri)
    probe = uri_of(bucket, f"{name}/.probe.{secrets.token_hex(8)}.tmp".lstrip("/"))
    try:
        # Asks for the bucket: a missing one looks like a missing object elsewhere.
        call(uri, lambda: _list_one(bucket))
        create_once(probe, b"", durable=True, parents=False)
        remove(probe)
    except FileNotFoundError as error:
        raise UsageError(
            f"--output {uri}: got no bucket {bucket}, expected one that is there; "
            "create it, or check its name"
        ) from error
    except SystemicFault as fault:
        raise UsageError(f"--output {fault}") from fault


def _list_one(bucket: str) -> None:
    list(client().list_blobs(bucket, max_results=1, timeout=TIMEOUT, retry=None))


def parallel_writes() -> int:
    """Returns how many objects to write at once, to hide 50 ms each."""
    return 16


def prefers_few_files() -> bool:
    """Returns whether many small files are slow or dear here: 5 $ a million writes."""
    return True


def free_bytes(uri: str) -> int | None:
    """Returns how many bytes may still be written here: a bucket is never full."""
    del uri
    return None
