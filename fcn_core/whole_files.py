"""Files and folders that are complete or not there, and hashes of what is there.

They get their names when their bytes are on the disk: a loss of power leaves no empty
file under the name of a whole one.
"""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

UNFINISHED: Final = ".new-"
"""Begins the name of what is still being written, or was when its writer was killed."""

_NOT_OFFERED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a path to write to; it becomes `path` when the block ends.

    An error leaves `path` as it was and nothing beside it.
    """
    new = _unfinished(path)
    try:
        yield new
        sync(new)
        new.replace(path)
        sync(path.parent)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a new folder to fill; it becomes `path` when the block ends.

    An error leaves nothing behind. `path` must not exist, or be an empty folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = _unfinished(path)
    new.mkdir()
    try:
        yield new
        for filled in (*new.rglob("*"), new):
            sync(filled)
        if path.exists():
            path.rmdir()
        new.rename(path)
        sync(path.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _unfinished(path: Path) -> Path:
    """Returns a name of its own beside `path`; its ending tells Keras the format."""
    return path.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{path.name}")


def sync(path: Path) -> None:
    """Brings a file's bytes, or a folder's entries, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems sync files only: their folders need none.
        if error.errno not in _NOT_OFFERED or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def sha256_of_file(path: Path) -> str:
    """Returns the sha256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
