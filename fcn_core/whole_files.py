"""Files that are whole or not there: atomic writes, and hashes of what is there."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

UNFINISHED: Final = ".new-"
"""Begins the name of a file that is still being written."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a path to write to; the file gets its own name once it is whole."""
    # Keras takes the format from the ending, so it stays at the end.
    new = path.with_name(f"{UNFINISHED}{path.name}")
    yield new
    new.replace(path)


def sha256_of_file(path: Path) -> str:
    """Returns the sha256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
