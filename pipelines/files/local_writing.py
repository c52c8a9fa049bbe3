"""Writing local files; `files.writing` says what each function does."""

import ctypes
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fcn_core import whole_files
from pipelines.faults import UsageError
from pipelines.files import local_naming, uris


def write_atomically(
    uri: str, data: bytes | Sequence[bytes], *, durable: bool, parents: bool
) -> None:
    """Writes a file whole or not at all; replaces an older one."""
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


def create_once(uri: str, data: bytes, *, durable: bool, parents: bool) -> bool:
    """Creates a file if there is none."""
    path = uris.to_path(uri)
    if parents:
        _make_folder(path.parent, durable=durable)
    try:
        return _name_new(path, data, durable=durable)
    except FileNotFoundError:  # an attempt that finished meanwhile swept it
        return _name_new(path, data, durable=durable)


@contextmanager
def new_file(uri: str, *, durable: bool) -> Iterator[BinaryIO]:
    """Opens a file that appears whole when the block ends."""
    path = uris.to_path(uri)
    temporary = _temporary_name(path)
    try:
        with named(path), temporary.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_name(path: Path) -> Path:
    # Not the process's number: containers that share an output all have a process 1.
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def _name_new(path: Path, data: bytes, *, durable: bool) -> bool:
    with _temporary(path, data, durable=durable) as temporary:
        is_new = local_naming.name_once(temporary, path)
        if durable:
            # Also for the loser, who may go on before the winner has come this far.
            _sync(path.parent)
        return is_new


@contextmanager
def _temporary(
    path: Path, data: bytes | Sequence[bytes], *, durable: bool
) -> Iterator[Path]:
    """Writes a file beside `path`; nothing of it is left after the block."""
    temporary = _temporary_name(path)
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


def make_folder(uri: str, *, durable: bool) -> None:
    """Makes a folder and those above it; one that is there is fine."""
    _make_folder(uris.to_path(uri), durable=durable)


def make_last_folder(uri: str) -> None:
    """Makes a folder in one that must be there."""
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
    """Brings all that was written to a folder's disk onto it, by one call."""
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


def move(uri: str, target: str, *, durable: bool, parents: bool) -> None:
    """Renames a file; replaces an older one."""
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
    """Removes a folder, which is gone at once for everybody, and all below it."""
    path = uris.to_path(uri)
    doomed = _temporary_name(path)
    try:
        path.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed, ignore_errors=True)


def remove_temporaries(uri: str, *, below: bool) -> None:
    """Removes the temporary files and folders of killed attempts in a folder."""
    for temporary in find_temporaries(uri, below=below):
        path = uris.to_path(temporary)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def find_temporaries(uri: str, *, below: bool) -> Iterator[str]:
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
    """Checks that an output folder can be made and written; makes it."""
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


def parallel_writes() -> int:
    """Returns how many files to write at once: one, since that takes no time."""
    return 1


def prefers_few_files() -> bool:
    """Returns whether many small files are slow or dear here."""
    return False


def free_bytes(uri: str) -> int | None:
    """Returns how many bytes may still be written on the disk of a folder."""
    folder = uris.to_path(uri)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
