"""Writing files: whole or not at all, created once, on the disk before they count.

A name is given to a file only when its bytes are on the disk, and the entry of a folder
is on the disk before the call returns. So what a file mentions, written before it,
outlives a loss of power whenever the file does. Pass `durable=False` for scratch, or
where `sync_store` follows for many files at once. An object store has all of this by
itself, and neither folders nor temporary files.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import BinaryIO

from pipelines.files.stores import writer


def write_atomically(
    uri: str,
    data: bytes | Sequence[bytes],
    *,
    durable: bool = True,
    parents: bool = True,
) -> None:
    """Writes a file whole or not at all; replaces an older one.

    Args:
        uri: The file.
        data: Its content, in one piece or several.
        durable: Whether it is on the disk when the call returns.
        parents: Whether missing folders are made.

    Raises:
        FileNotFoundError: Its folder is gone, and `parents` is false.
    """
    writer(uri).write_atomically(uri, data, durable=durable, parents=parents)


def create_once(
    uri: str, data: bytes, *, durable: bool = True, parents: bool = True
) -> bool:
    """Creates a file if there is none: of many writers exactly one wins.

    Args:
        uri: The file.
        data: Its content.
        durable: Whether it is on the disk when the call returns.
        parents: Whether missing folders are made.

    Returns:
        Whether this call created it. A loser's bytes leave no trace.

    Raises:
        FileNotFoundError: Its folder is gone, and `parents` is false.
    """
    return writer(uri).create_once(uri, data, durable=durable, parents=parents)


def new_file(uri: str, *, durable: bool = True) -> AbstractContextManager[BinaryIO]:
    """Opens a file to be written, as a context; it appears whole when the block ends.

    Nothing of it is left where the block raises. Its folder must be there.
    """
    return writer(uri).new_file(uri, durable=durable)


class ManyFiles:
    """Writes many small files, several at once where that helps.

    Args:
        folder: Where they go; it must be there.
        durable: Whether they are on the disk when `finish` returns.
    """

    def __init__(self, folder: str, *, durable: bool = True):
        self._folder, self._durable = folder, durable
        at_once = writer(folder).parallel_writes()
        self._pool = ThreadPoolExecutor(at_once) if at_once > 1 else None
        self._writing: list[Future[None]] = []

    def write(self, uri: str, data: bytes) -> None:
        """Writes a file, see `write_atomically`; perhaps not before `finish`."""
        if self._pool is None:
            write_atomically(uri, data, durable=False, parents=False)
        else:
            submit = self._pool.submit
            self._writing.append(
                submit(write_atomically, uri, data, durable=False, parents=False)
            )

    def finish(self) -> None:
        """Makes sure that all files are there.

        Raises:
            OSError: One could not be written.
        """
        if self._pool is not None:
            self._pool.shutdown()
        for writing in self._writing:
            writing.result()
        if self._durable:
            sync_store(self._folder)


def make_folder(uri: str, *, durable: bool = True) -> None:
    """Makes a folder and those above it; one that is there is fine."""
    writer(uri).make_folder(uri, durable=durable)


def make_last_folder(uri: str) -> None:
    """Makes a folder in one that must be there; one that is there is fine.

    Raises:
        FileNotFoundError: The folder above it is gone.
    """
    writer(uri).make_last_folder(uri)


def sync_store(uri: str) -> None:
    """Brings all that was written to the store of a folder onto the disk, at once.

    One call for the many small files of a chunk: an fsync of each of them, and of their
    folders, would take far longer.
    """
    writer(uri).sync_store(uri)


def move(uri: str, target: str, *, durable: bool = True, parents: bool = True) -> None:
    """Renames a finished file of the same store; replaces an older one.

    Args:
        uri: The file, whole.
        target: Its new name.
        durable: Whether bytes and name are on the disk when the call returns.
        parents: Whether missing folders are made.
    """
    writer(uri).move(uri, target, durable=durable, parents=parents)


def remove(uri: str) -> None:
    """Removes a file; one that is gone already is fine."""
    writer(uri).remove(uri)


def remove_folder(uri: str) -> None:
    """Removes a folder and all below it; one that is gone already is fine.

    On a disk it is gone at once for everybody, whoever is writing into it, and nothing
    that is left of it by a kill passes for a result. In an object store it goes file by
    file: a verdict that nothing of it counts must have come before.
    """
    writer(uri).remove_folder(uri)


def remove_temporaries(uri: str, *, below: bool = True) -> None:
    """Removes the temporary files and folders of killed attempts in a folder.

    Args:
        uri: The folder.
        below: Whether also in the folders below it.
    """
    writer(uri).remove_temporaries(uri, below=below)


def find_temporaries(uri: str, *, below: bool = True) -> Iterator[str]:
    """Yields the temporary files and folders in a folder, and below it if wanted."""
    return writer(uri).find_temporaries(uri, below=below)


def check_writable(uri: str) -> None:
    """Checks that an output folder can be made and written; makes it.

    Raises:
        UsageError: It cannot, with the store's reason.
    """
    writer(uri).check_writable(uri)


def prefers_few_files(uri: str) -> bool:
    """Returns whether many small files are slow or dear where a URI is."""
    return writer(uri).prefers_few_files()


def free_bytes(uri: str) -> int | None:
    """Returns how many bytes may still be written where a URI is; None: no end."""
    return writer(uri).free_bytes(uri)
