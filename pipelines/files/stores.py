"""The stores: which one a URI names, and what each has to supply.

A store is two modules, one that reads and one that writes. Those of gs:// are imported
when the first URI of it comes up: its library takes a second, and is an extra.
"""

# ruff: noqa: D102 - files.reading and files.writing say what each function does

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from pipelines.faults import UsageError
from pipelines.files import local_reading, local_writing, uris
from pipelines.files.pinned import Pinned
from pipelines.files.survey import Survey


class Reader(Protocol):
    """What reads a store; `files.reading` says what each function does."""

    def exists(self, uri: str) -> bool: ...
    def is_file(self, uri: str) -> bool: ...
    def is_folder(self, uri: str) -> bool: ...
    def size(self, uri: str) -> int | None: ...
    def read_bytes(self, uri: str) -> bytes: ...
    def sha256(self, uri: str) -> str: ...
    def open_for_reading(
        self, uri: str, *, pinned: Pinned | None
    ) -> AbstractContextManager[BinaryIO]: ...
    def read_photo(self, photo: Pinned, *, root: str | None) -> bytes: ...
    def pin(self, uri: str) -> Pinned: ...
    def list_names(self, uri: str) -> list[str]: ...
    def walk(
        self, root: str, *, survey: Survey
    ) -> Iterator[tuple[str, Pinned | None]]: ...
    def match(
        self, pattern: str, *, survey: Survey
    ) -> Iterator[tuple[str, Pinned | None]]: ...
    def local_copy(self, uri: str) -> AbstractContextManager[Path]: ...
    def parallel_reads(self) -> int: ...


class Writer(Protocol):
    """What writes a store; `files.writing` says what each function does."""

    def write_atomically(
        self, uri: str, data: bytes | Sequence[bytes], *, durable: bool, parents: bool
    ) -> None: ...
    def create_once(
        self, uri: str, data: bytes, *, durable: bool, parents: bool
    ) -> bool: ...
    def new_file(
        self, uri: str, *, durable: bool
    ) -> AbstractContextManager[BinaryIO]: ...
    def make_folder(self, uri: str, *, durable: bool) -> None: ...
    def make_last_folder(self, uri: str) -> None: ...
    def sync_store(self, uri: str) -> None: ...
    def move(self, uri: str, target: str, *, durable: bool, parents: bool) -> None: ...
    def remove(self, uri: str) -> None: ...
    def remove_folder(self, uri: str) -> None: ...
    def remove_temporaries(self, uri: str, *, below: bool) -> None: ...
    def find_temporaries(self, uri: str, *, below: bool) -> Iterator[str]: ...
    def check_writable(self, uri: str) -> None: ...
    def parallel_writes(self) -> int: ...
    def prefers_few_files(self) -> bool: ...
    def free_bytes(self, uri: str) -> int | None: ...


def reader(uri: str) -> Reader:
    """Returns what reads the store of a URI."""
    if not uris.is_gcs(uri):
        return local_reading
    _check_installed(uri)
    from pipelines.files import gcs_reading

    return gcs_reading


def writer(uri: str) -> Writer:
    """Returns what writes the store of a URI."""
    if not uris.is_gcs(uri):
        return local_writing
    _check_installed(uri)
    from pipelines.files import gcs_writing

    return gcs_writing


def _check_installed(uri: str) -> None:
    try:
        import google.cloud.storage  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"{uri}: got no library for gs://, expected google-cloud-storage; run pip "
            "install 'fcn[gcp]'"
        ) from error
