"""Folders as values, to compare what two runs left."""

import os
from pathlib import Path


def everything(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of every file below a folder, by its relative name."""
    return {
        os.fspath(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
