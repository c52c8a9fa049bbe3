"""A small program that keeps items and an index of them: right, or with a known fault.

    python -m tests.faults.toy FOLDER STYLE

What the harness is worth is measured on it: a fault that it does not find here it would
not find elsewhere.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ITEMS: Final = 3
STYLES: Final = ("right", "no-sync", "in-place", "index-first", "no-folder-sync")
"""What the program does wrong."""


def content(number: int) -> bytes:
    """Returns the bytes of an item."""
    return f"item {number}\n".encode() * 50


def main(folder: Path, style: str) -> None:
    """Writes what is missing of the items, and the index."""
    items = folder / "items"
    items.mkdir(parents=True, exist_ok=True)
    _sync(folder, style)
    if style == "index-first":
        _write_index(folder, style)
    for number in range(ITEMS):
        path = items / f"{number}.txt"
        if not path.exists():
            _write(path, content(number), style)
    _write_index(folder, style)


def _write_index(folder: Path, style: str) -> None:
    names = "".join(f"items/{number}.txt\n" for number in range(ITEMS))
    if not (folder / "index.txt").exists():
        _write(folder / "index.txt", names.encode(), style)


def _write(path: Path, data: bytes, style: str) -> None:
    temporary = path if style == "in-place" else path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        if style != "no-sync":
            os.fsync(file.fileno())
    temporary.replace(path)
    _sync(path.parent, style)


def _sync(folder: Path, style: str) -> None:
    if style in ("no-sync", "no-folder-sync"):
        return
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def problems(folder: Path) -> Iterator[str]:
    """Yields what is wrong with what a reader finds, at any moment."""
    for path in sorted((folder / "items").glob("[0-9]*")):
        if path.read_bytes() != content(int(path.stem)):
            yield f"{path.name} is not whole"
    index = folder / "index.txt"
    if index.exists():
        names = index.read_text().splitlines()
        if len(names) != ITEMS:
            yield "the index is not whole"
        missing = [name for name in names if not (folder / name).exists()]
        yield from (f"the index names {name}, which is not there" for name in missing)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
