"""The files a job touches: list, read, write atomically, create once.

A URI is an absolute local path. A path whose bytes are not UTF-8 is written as
`file://` with percent signs, so that every URI is text and still finds its file.
Other stores join here, one branch a function, and nowhere else.
"""

import errno
import hashlib
import os
import secrets
import shutil
import stat
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault, UsageError

_SYSTEMIC = frozenset({errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.ENFILE})
_REASONS = {
    errno.ENAMETOOLONG: "bad-name",
    errno.ENXIO: "not-a-regular-file",  # a socket
}
_MAX_PHOTO_BYTES = 64 << 20


def to_uri(path: str | os.PathLike[str]) -> str:
    """Returns the URI of a local path: the absolute path itself where it is text.

    Raises:
        UsageError: it is a URI already, of a store that this version does not reach.
    """
    local = to_path(path) if isinstance(path, str) and "://" in path else path
    absolute = os.path.abspath(os.fspath(local))  # noqa: PTH100 - links stay links
    try:
        absolute.encode("utf-8")
    except UnicodeEncodeError:
        return "file://" + urllib.parse.quote(os.fsencode(absolute))
    return absolute


def to_path(uri: str) -> Path:
    """Returns the local path of a URI.

    Raises:
        UsageError: the URI names a store that this version does not reach.
    """
    if uri.startswith("file://"):
        quoted = uri.removeprefix("file://")
        return Path(os.fsdecode(urllib.parse.unquote_to_bytes(quoted)))
    scheme, separator, _ = uri.partition("://")
    if separator and "/" not in scheme:
        raise UsageError(
            f"{uri}: got a {scheme}:// location, expected a local path; "
            "copy the files to this machine or mount the bucket"
        )
    return Path(uri)


def join(uri: str, *names: str) -> str:
    """Returns the URI of something below `uri`."""
    return "/".join([uri.rstrip("/"), *names])


def exists(uri: str) -> bool:
    """Tells whether a file or folder is there."""
    return to_path(uri).exists()


def real_path(uri: str) -> str:
    """Returns where a folder really is: the same for all its names."""
    return os.path.realpath(to_path(uri))


def is_file(uri: str) -> bool:
    """Tells whether a regular file is there, not a folder or a device."""
    return to_path(uri).is_file()


def read_bytes(uri: str) -> bytes:
    """Returns the whole content of one of our own files."""
    return to_path(uri).read_bytes()


def version(uri: str) -> str:
    """Returns what tells this content of a photo from another: size and mtime.

    A file that cannot be looked at has the version `unknown`; reading it later
    gives the reason.
    """
    try:
        return _version(to_path(uri).stat())
    except (OSError, ValueError):
        return "unknown"


def read_photo(uri: str, *, version: str | None, root: str | None = None) -> bytes:
    """Returns the bytes of a photo, exactly those that the plan names.

    Args:
        uri: The photo.
        version: What `version(uri)` said when the plan was made; None: whatever is
            there, as long as it does not change while it is read.
        root: The listed folder; a link that leads out of it is refused.

    Raises:
        BadImage: the photo cannot be read; its reason is a row's reason.
        SystemicFault: no photo could be read any more (too many open files).
    """
    try:
        return _read_pinned(uri, version, root)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadImage("vanished", "listed, but gone", stage="read") from error
    except PermissionError as error:
        raise BadImage("permission-denied", "no right to read", stage="read") from error
    except OSError as error:
        if error.errno in _SYSTEMIC:
            raise SystemicFault(f"{uri}: {error.strerror}") from error
        detail = error.strerror or "the file could not be read"
        reason = _REASONS.get(error.errno or 0, "io-error")
        raise BadImage(reason, detail, stage="read") from error
    except ValueError as error:
        raise BadImage("bad-name", "the name has a NUL byte", stage="read") from error


def _read_pinned(uri: str, expected_version: str | None, root: str | None) -> bytes:
    path = to_path(uri)
    if path.is_symlink():
        # Not Path.resolve: a loop of links is an OSError here, RuntimeError there.
        path = Path(os.path.realpath(path, strict=True))
        if root is not None and not path.is_relative_to(to_path(root).resolve()):
            detail = "a link out of the input folder; list its target instead"
            raise BadImage("outside-root", detail, stage="read")
    # O_NONBLOCK: opening a FIFO would wait for a writer for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise BadImage("not-a-regular-file", "not a file of bytes", stage="read")
        # One byte more than there should be, so that one call also finds the end.
        data = os.read(descriptor, min(before.st_size, _MAX_PHOTO_BYTES) + 1)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if _version(after) != (expected_version or _version(before)):
        detail = "another content than when the plan was made"
        raise BadImage("changed-while-reading", detail, stage="read")
    return data


def _version(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"


def write_atomically(uri: str, data: bytes | Sequence[bytes]) -> None:
    """Writes a file that is there whole or not at all; replaces an older one.

    Args:
        uri: The file.
        data: Its content, in one piece or several.
    """
    path = to_path(uri)
    try:
        _replace(path, data)
    except FileNotFoundError:  # swept by whoever finished the night meanwhile
        _replace(path, data)


def _replace(path: Path, data: bytes | Sequence[bytes]) -> None:
    temporary = _write_temporary(path, data, durable=False)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def create_once(uri: str, data: bytes) -> bool:
    """Creates a file if there is none: of many writers exactly one wins.

    Returns:
        Whether this call created it. A loser's bytes leave no trace.
    """
    path = to_path(uri)
    try:
        return _link_new(path, data)
    except FileNotFoundError:  # swept by whoever finished the night meanwhile
        return _link_new(path, data)


def _link_new(path: Path, data: bytes) -> bool:
    temporary = _write_temporary(path, data, durable=True)
    try:
        # link(2) refuses an existing name, whole and atomically; rename does not.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _write_temporary(
    path: Path, data: bytes | Sequence[bytes], *, durable: bool
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(uri: str) -> str:
    """Returns the hash of a file's content, in hex, without holding it in memory."""
    with to_path(uri).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def move(uri: str, target: str) -> None:
    """Gives a finished file of the same store its final name, at once."""
    path = to_path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    to_path(uri).replace(path)
    _sync_folder(path.parent)


def remove(uri: str) -> None:
    """Removes a file; one that is gone already is fine."""
    to_path(uri).unlink(missing_ok=True)


def remove_folder(uri: str) -> None:
    """Removes a folder and all below it; one that is gone already is fine."""
    shutil.rmtree(to_path(uri), ignore_errors=True)


def remove_temporaries(uri: str) -> None:
    """Removes what killed attempts left half-written below a folder of ours."""
    for folder, folders, names in os.walk(to_path(uri)):
        for name in filter(_is_temporary, names):
            Path(folder, name).unlink(missing_ok=True)
        for name in filter(_is_temporary, folders):
            shutil.rmtree(Path(folder, name), ignore_errors=True)
        folders[:] = [name for name in folders if not _is_temporary(name)]


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def list_names(uri: str) -> list[str]:
    """Returns the sorted names in a folder of ours, temporary files left out."""
    try:
        names = os.listdir(to_path(uri))  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return []
    return sorted(name for name in names if not name.startswith("."))


def walk(root: str, *, leave_out: Iterable[str] = ()) -> Iterator[str]:
    """Yields the URI of everything below a folder that is not itself a folder.

    Hidden folders are not entered (thumbnail caches, version control), links to
    folders are not followed (loops), nor are the real paths of `leave_out` entered.
    """
    left_out = set(leave_out)
    pending = [os.fspath(to_path(root))]
    while pending:
        try:
            entries = os.scandir(pending.pop())
        except FileNotFoundError:  # removed since its parent was listed
            continue
        with entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield to_uri(entry.path)
                elif not entry.name.startswith(".") and (
                    os.path.realpath(entry.path) not in left_out
                ):
                    pending.append(entry.path)


def check_writable(uri: str) -> None:
    """Makes sure that an output folder can be made and written.

    Raises:
        UsageError: it cannot, with the system's reason.
    """
    folder = to_path(uri)
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
