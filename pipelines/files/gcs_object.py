"""Bytes of one object: all of them, or as a file that is searched through."""

import io
from typing import Any, cast

from google.cloud import storage

from pipelines.files.gcs_client import TIMEOUT, blob_of, call
from pipelines.files.pinned import Pinned


def download(blob: storage.Blob, *, end: int | None = None) -> bytes:
    """Returns an object's bytes, compared with its checksum where all are read."""
    return cast(
        bytes,
        blob.download_as_bytes(
            end=end,
            raw_download=True,
            checksum="crc32c",
            timeout=TIMEOUT,
            retry=None,
        ),
    )


def download_unchecked(
    blob: storage.Blob, *, start: int | None = None, end: int | None = None
) -> bytes:
    """Returns bytes of an object; the caller has a checksum of them."""
    data = blob.download_as_bytes(
        start=start,
        end=end,
        raw_download=True,
        checksum=None,
        timeout=TIMEOUT,
        retry=None,
    )
    return cast(bytes, data)


def size_of(pinned: Pinned) -> int:
    """Returns the bytes of an object."""
    return int(pinned.version.partition("-")[0])


class OpenObject(io.RawIOBase):
    """An object as a file; each read is a request.

    Args:
        pinned: Which one.
    """

    def __init__(self, pinned: Pinned):
        self._uri, self._size = pinned.uri, size_of(pinned)
        self._blob = blob_of(pinned.uri, generation=pinned.generation)
        self._position = 0

    def readable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a place; returns it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer; returns how much of it."""
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Returns the rest."""
        return self._read(self._size)

    def _read(self, count: int) -> bytes:
        start, end = self._position, min(self._position + count, self._size)
        if start >= end:
            return b""
        data = call(
            self._uri, lambda: download_unchecked(self._blob, start=start, end=end - 1)
        )
        if len(data) != end - start:
            raise OSError(5, "part of an object is missing", self._uri)
        self._position = end
        return data
