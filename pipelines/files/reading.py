"""Reading files: listed, hashed, and photos as exactly the bytes that were planned."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault
from pipelines.files import uris

_SYSTEMIC = frozenset({errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.ENFILE})
_REASONS = {
    errno.ENAMETOOLONG: "bad-name",
    errno.ENXIO: "not-a-regular-file",  # a socket
}
_MAX_PHOTO_BYTES = 64 << 20


class Pinned(NamedTuple):
    """A photo as it is now.

    Attributes:
        uri: The photo.
        version: See `version`.
        generation: The store's number of its content; None where it has none.
    """

    uri: str
    version: str
    generation: int | None


def exists(uri: str) -> bool:
    """Returns whether a file or folder is there."""
    return uris.to_path(uri).exists()


def is_file(uri: str) -> bool:
    """Returns whether a regular file is there, not a folder or a device."""
    return uris.to_path(uri).is_file()


def size(uri: str) -> int | None:
    """Returns the bytes of a file; None where there is none."""
    try:
        return uris.to_path(uri).stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_bytes(uri: str) -> bytes:
    """Returns the whole content of one of our own files."""
    return uris.to_path(uri).read_bytes()


def version(uri: str) -> str:
    """Returns size and mtime of a photo, which tell its content from another.

    The version is `unknown` where the system does not give them; reading the file
    later gives the reason.
    """
    try:
        return _version(uris.to_path(uri).stat())
    except (OSError, ValueError):
        return "unknown"


def read_photo(uri: str, *, version: str | None, root: str | None = None) -> bytes:
    """Returns the bytes of a photo, exactly those that the plan names.

    Args:
        uri: The photo.
        version: Its `version(uri)` when the plan was made; None for any, as long as
            it does not change while it is read.
        root: The listed folder; a link that leads out of it is refused.

    Raises:
        BadImage: The photo cannot be read; its reason is a row's reason.
        SystemicFault: No photo could be read any more (too many open files).
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
    path = uris.to_path(uri)
    if path.is_symlink():
        # Not Path.resolve: a loop of links is an OSError here, RuntimeError there.
        path = Path(os.path.realpath(path, strict=True))
        if root is not None and not path.is_relative_to(uris.to_path(root).resolve()):
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


def sha256(uri: str) -> str:
    """Returns the sha256 of a file in hex, without holding the file in memory."""
    with uris.to_path(uri).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_names(uri: str) -> list[str]:
    """Returns the sorted names in a folder, hidden and temporary files left out."""
    try:
        names = os.listdir(uris.to_path(uri))  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return []
    return sorted(name for name in names if not name.startswith("."))


def walk(root: str, *, leave_out: Iterable[str] = ()) -> Iterator[str]:
    """Yields the URI of everything below a folder that is not itself a folder.

    Hidden folders are not entered (thumbnail caches, version control), and links to
    folders are not followed (loops).

    Args:
        root: The folder.
        leave_out: Real paths of folders that are not entered.
    """
    left_out = set(leave_out)
    pending = [os.fspath(uris.to_path(root))]
    while pending:
        try:
            entries = os.scandir(pending.pop())
        except FileNotFoundError:  # removed since its parent was listed
            continue
        with entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield uris.to_uri(entry.path)
                elif not entry.name.startswith(".") and (
                    os.path.realpath(entry.path) not in left_out
                ):
                    pending.append(entry.path)


def pins(uris: Iterable[str]) -> Iterator[Pinned]:
    """Yields photos as they are now, in the order of their URIs given."""
    for uri in uris:
        yield _pin(uri)


def _pin(uri: str) -> Pinned:
    if not uri.startswith("/"):
        return Pinned(uri, version(uri), None)
    # Of millions of files: a Path takes longer than the look at the file.
    try:
        return Pinned(uri, _version(os.stat(uri)), None)  # noqa: PTH116
    except (OSError, ValueError):
        return Pinned(uri, "unknown", None)


def walk_pinned(
    root: str, *, leave_out: Iterable[str] = (), wanted: Callable[[str], bool]
) -> Iterator[Pinned | None]:
    """Yields what `walk` finds as it is now; None for what is not wanted.

    Args:
        root: The folder.
        leave_out: Real paths of folders that are not entered.
        wanted: Whether a URI is.
    """
    for uri in walk(root, leave_out=leave_out):
        yield _pin(uri) if wanted(uri) else None
