"""Writing files: whole or not at all, created once, on the disk before they count.

A name is given to a file only when its bytes are on the disk, and the entry of a folder
is on the disk before the call returns. So what a file mentions, written before it,
outlives a loss of power whenever the file does. Pass `durable=False` for scratch, or
where `sync_store` follows for many files at once.
"""

import ctypes
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fcn_core import whole_files
from pipelines.faults import UsageError
from pipelines.files import uris


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
    path = uris.to_path(uri)
    if parents:
        _make_folder(path.parent, durable=durable)
    try:
        _replace(path, data, durable=durable)
    except FileNotFoundError:  # an attempt that finished meanwhile swept it
        _replace(path, data, durable=durable)


def _replace(path: Path, data: bytes | Sequence[bytes], *, durable: bool) -> None:
    with _temporary(path, data, durable=durable) as temporary:
        temporary.replace(path)
        if durable:
            _sync(path.parent)


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
    path = uris.to_path(uri)
    if parents:
        _make_folder(path.parent, durable=durable)
    try:
        return _link_new(path, data, durable=durable)
    except FileNotFoundError:  # an attempt that finished meanwhile swept it
        return _link_new(path, data, durable=durable)


def _link_new(path: Path, data: bytes, *, durable: bool) -> bool:
    with _temporary(path, data, durable=durable) as temporary:
        try:
            # link(2) refuses an existing name, whole and atomically; rename does not.
            os.link(temporary, path)
        except FileExistsError:
            is_new = False
        else:
            is_new = True
        if durable:
            # Also for the loser, who may go on before the winner has come this far.
            _sync(path.parent)
        return is_new


@contextmanager
def _temporary(
    path: Path, data: bytes | Sequence[bytes], *, durable: bool
) -> Iterator[Path]:
    """Writes a file beside `path`; nothing of it is left after the block."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with named(path), temporary.open("xb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Names the file in system errors that name none: a full disk, say."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = os.fspath(path)
        raise


def make_folder(uri: str, *, durable: bool = True) -> None:
    """Makes a folder and those above it; one that is there is fine."""
    _make_folder(uris.to_path(uri), durable=durable)


def make_last_folder(uri: str) -> None:
    """Makes a folder in one that must be there; one that is there is fine.

    Raises:
        FileNotFoundError: The folder above it is gone.
    """
    uris.to_path(uri).mkdir(exist_ok=True)


def _make_folder(folder: Path, *, durable: bool) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, durable=durable)
    folder.mkdir(exist_ok=True)
    if durable:
        _sync(folder.parent)


def _sync(path: Path) -> None:
    """Brings a file, or the entries of a folder, onto the disk."""
    with named(path):
        whole_files.sync(path)


def sync_store(uri: str) -> None:
    """Brings all that was written to the store of a folder onto the disk, at once.

    One call for the many small files of a chunk: an fsync of each of them, and of their
    folders, would take far longer.
    """
    path = uris.to_path(uri)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    finally:
        os.close(descriptor)


def _syncfs(descriptor: int) -> int:
    """Calls syncfs(2), or sync(2) where there is none, such as on macOS."""
    library = ctypes.CDLL(None, use_errno=True)
    try:
        return library.syncfs(descriptor)
    except AttributeError:
        os.sync()
        return 0


def move(uri: str, target: str, *, durable: bool = True, parents: bool = True) -> None:
    """Renames a finished file of the same store atomically; replaces an older one.

    Args:
        uri: The file, whole.
        target: Its new name.
        durable: Whether bytes and name are on the disk when the call returns.
        parents: Whether missing folders are made.
    """
    source, path = uris.to_path(uri), uris.to_path(target)
    if parents:
        _make_folder(path.parent, durable=durable)
    if durable:
        _sync(source)
    source.replace(path)
    if durable:
        _sync(path.parent)


def remove(uri: str) -> None:
    """Removes a file; one that is gone already is fine."""
    uris.to_path(uri).unlink(missing_ok=True)


def remove_folder(uri: str) -> None:
    """Removes a folder and all below it; one that is gone already is fine.

    It is gone at once for everybody, whoever is writing into it, and nothing that is
    left of it by a kill passes for a result.
    """
    path = uris.to_path(uri)
    doomed = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        path.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed, ignore_errors=True)


def remove_temporaries(uri: str, *, below: bool = True) -> None:
    """Removes the temporary files and folders of killed attempts in a folder.

    Args:
        uri: The folder.
        below: Whether also in the folders below it.
    """
    for temporary in find_temporaries(uri, below=below):
        path = uris.to_path(temporary)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def find_temporaries(uri: str, *, below: bool = True) -> Iterator[str]:
    """Yields the temporary files and folders in a folder, and below it if wanted."""
    for folder, folders, names in os.walk(uris.to_path(uri)):
        for name in filter(_is_temporary, (*names, *folders)):
            yield uris.to_uri(Path(folder, name))
        kept = [name for name in folders if below and not _is_temporary(name)]
        folders[:] = kept


def _is_temporary(name: str) -> bool:
    # Ours alone: an output may be a folder that other programs write into, too.
    return re.fullmatch(r"\..+\.[0-9a-f]{16}\.tmp", name) is not None


def check_writable(uri: str) -> None:
    """Checks that an output folder can be made and written; makes it.

    Raises:
        UsageError: It cannot, with the system's reason.
    """
    folder = uris.to_path(uri)
    try:
        _make_folder(folder, durable=True)
        probe = folder / f".probe.{secrets.token_hex(8)}.tmp"
        probe.touch()
        probe.unlink(missing_ok=True)  # an attempt that finished meanwhile swept it
    except OSError as error:
        raise UsageError(
            f"--output {uri}: got {str(error.strerror).lower()}, expected a folder "
            "that can be written; choose another folder or change its rights"
        ) from error
