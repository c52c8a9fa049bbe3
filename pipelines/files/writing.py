"""Writing files: whole or not at all, created once, durable."""

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipelines.faults import UsageError
from pipelines.files import uris


def write_atomically(uri: str, data: bytes | Sequence[bytes]) -> None:
    """Writes a file whole or not at all; replaces an older one.

    Args:
        uri: The file.
        data: Its content, in one piece or several.
    """
    path = uris.to_path(uri)
    try:
        _replace(path, data)
    except FileNotFoundError:  # an attempt that finished meanwhile swept it
        _replace(path, data)


def _replace(path: Path, data: bytes | Sequence[bytes]) -> None:
    with _temporary(path, data, durable=False) as temporary:
        temporary.replace(path)


def create_once(uri: str, data: bytes) -> bool:
    """Creates a file if there is none: of many writers exactly one wins.

    Returns:
        Whether this call created it. A loser's bytes leave no trace.
    """
    path = uris.to_path(uri)
    try:
        return _link_new(path, data)
    except FileNotFoundError:  # an attempt that finished meanwhile swept it
        return _link_new(path, data)


def _link_new(path: Path, data: bytes) -> bool:
    with _temporary(path, data, durable=True) as temporary:
        try:
            # link(2) refuses an existing name, whole and atomically; rename does not.
            os.link(temporary, path)
        except FileExistsError:
            return False
    _sync_folder(path.parent)
    return True


@contextmanager
def _temporary(
    path: Path, data: bytes | Sequence[bytes], *, durable: bool
) -> Iterator[Path]:
    """Writes a file beside `path`; nothing of it is left after the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(uri: str, target: str) -> None:
    """Renames a finished file of the same store atomically; replaces an older one."""
    path = uris.to_path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    uris.to_path(uri).replace(path)
    _sync_folder(path.parent)


def remove(uri: str) -> None:
    """Removes a file; one that is gone already is fine."""
    uris.to_path(uri).unlink(missing_ok=True)


def remove_folder(uri: str) -> None:
    """Removes a folder and all below it; one that is gone already is fine."""
    shutil.rmtree(uris.to_path(uri), ignore_errors=True)


def remove_temporaries(uri: str) -> None:
    """Removes the temporary files and folders of killed attempts below a folder."""
    for folder, folders, names in os.walk(uris.to_path(uri)):
        for name in filter(_is_temporary, names):
            Path(folder, name).unlink(missing_ok=True)
        for name in filter(_is_temporary, folders):
            shutil.rmtree(Path(folder, name), ignore_errors=True)
        folders[:] = [name for name in folders if not _is_temporary(name)]


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def check_writable(uri: str) -> None:
    """Checks that an output folder can be made and written; makes it.

    Raises:
        UsageError: It cannot, with the system's reason.
    """
    folder = uris.to_path(uri)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{secrets.token_hex(8)}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"--output {uri}: got {str(error.strerror).lower()}, expected a folder "
            "that can be written; choose another folder or change its rights"
        ) from error
