"""Folders of another store, fetched once a host: models, and data sets to train on.

A fetched folder is named by the hash of what it holds, and appears whole: what is half
fetched has no name. So processes of a host share it, and a model that is replaced in
its bucket is another folder here.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from pipelines.faults import SystemicFault, UsageError
from pipelines.files import stores, uris
from pipelines.files.pinned import Pinned
from pipelines.files.survey import Survey


def fetch_folder(uri: str) -> Path:
    """Returns a folder on this machine: itself where it is local.

    Args:
        uri: The folder.

    Raises:
        FileNotFoundError: There is nothing below it.
        SystemicFault: It cannot be fetched.
    """
    if not uris.is_gcs(uri):
        return uris.to_path(uri)
    found = _list(uri)
    if not found:
        raise FileNotFoundError(2, "nothing there", uri)
    root = _root()
    target = root / _hash_of(uri, found)
    with _only_one(root / f"{target.name}.lock"):
        if not target.is_dir():
            _fetch(uri, found, target)
    return target


def _root() -> Path:
    """Returns where fetched folders lie: FCN_CACHE, or a folder of the user's cache.

    Raises:
        UsageError: Neither is known, or none can be made there.
    """
    named, cache = os.environ.get("FCN_CACHE"), os.environ.get("XDG_CACHE_HOME")
    try:
        root = Path(named or Path(cache or Path.home() / ".cache", "fcn"))
        root.mkdir(parents=True, exist_ok=True)
    except (RuntimeError, OSError) as error:  # RuntimeError: nobody's home
        raise UsageError(
            f"FCN_CACHE: got {named or 'none'} ({str(error).lower()}), expected a "
            "folder to keep fetched models in; set it to one that can be written"
        ) from error
    return root


def _list(uri: str) -> list[Pinned]:
    walk = stores.reader(uri).walk(uri, survey=Survey())
    return sorted(pinned for _, pinned in walk if pinned is not None)


def _hash_of(uri: str, found: Sequence[Pinned]) -> str:
    digest = hashlib.sha256()
    for pinned in found:
        name = pinned.uri.removeprefix(f"{uri}/")
        digest.update(f"{name}\0{pinned.version}\n".encode())
    return digest.hexdigest()[:32]


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Waits until no other process of this host fetches the same."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(uri: str, found: Sequence[Pinned], target: Path) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=".fetch-", dir=target.parent))
    try:
        with ThreadPoolExecutor(stores.reader(uri).parallel_reads()) as pool:
            places = [_place(temporary, uri, pinned) for pinned in found]
            for _ in pool.map(_fetch_file, found, places):
                pass
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _place(folder: Path, uri: str, pinned: Pinned) -> Path:
    name = PurePosixPath(pinned.uri.removeprefix(f"{uri}/"))
    if name.is_absolute() or ".." in name.parts:
        raise SystemicFault(
            f"{pinned.uri}: got a name that leads out of its folder, expected names of "
            f"files below {uri}; remove the object"
        )
    return folder / name


def _fetch_file(pinned: Pinned, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with stores.reader(pinned.uri).local_copy(pinned.uri) as copy:
        shutil.move(copy, path)
