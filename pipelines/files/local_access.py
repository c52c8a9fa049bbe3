"""What may be done in a local folder; `files.access` says what that is."""

import dataclasses
import os
import secrets
import shutil
from pathlib import Path

from pipelines.files import local_writing, uris
from pipelines.files.rights import Access


def access(uri: str, *, write: bool) -> Access:
    """Returns what may be done in a folder or with a file."""
    path = uris.to_path(uri)
    if not write:
        return _reading(path)
    folder = _nearest(path)
    free = shutil.disk_usage(folder).free
    return dataclasses.replace(_writing(folder), free_bytes=free)


def _reading(path: Path) -> Access:
    cure = f"change the rights of {path}"
    if not path.exists():
        raise FileNotFoundError(2, os.strerror(2), path)
    first: Path | None = path
    if path.is_dir():
        try:
            with os.scandir(path) as entries:
                first = next((Path(e) for e in entries if e.is_file()), None)
        except PermissionError:
            return Access(lacking=("list",), cure=cure)
    if first is not None and not os.access(first, os.R_OK):
        return Access(lacking=("read",), cure=cure)
    return Access()


def _nearest(path: Path) -> Path:
    """Returns a folder, or the one above it in which it would be made."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _writing(folder: Path) -> Access:
    """Creates a file twice: the second must find the first."""
    probe = uris.to_uri(folder / f".probe.{secrets.token_hex(8)}.tmp")
    try:
        made = [
            local_writing.create_once(probe, data, durable=False, parents=False)
            for data in (b"first", b"second")
        ]
        kept = uris.to_path(probe).read_bytes() == b"first"
        local_writing.remove(probe)
    except OSError as error:
        reason = str(error.strerror).lower()
        cure = f"mend it ({reason}), or choose another folder"
        return Access(lacking=("create",), cure=cure)
    if made == [True, False] and kept:
        return Access()
    cure = "choose a disk that lets one of two writers win, as local ones do"
    return Access(lacking=("create once",), cure=cure)
