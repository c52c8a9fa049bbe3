"""Reading local files; `files.reading` says what each function does."""

import errno
import glob
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault
from pipelines.files import patterns, uris
from pipelines.files.pinned import UNKNOWN, Pinned
from pipelines.files.survey import Survey

_SYSTEMIC = frozenset({errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.ENFILE})
_REASONS = {
    errno.ENAMETOOLONG: "bad-name",
    errno.ENXIO: "not-a-regular-file",  # a socket
}
_MAX_PHOTO_BYTES = 64 << 20


def exists(uri: str) -> bool:
    """Returns whether a file or folder is there."""
    return uris.to_path(uri).exists()


def is_file(uri: str) -> bool:
    """Returns whether a regular file is there."""
    return uris.to_path(uri).is_file()


def is_folder(uri: str) -> bool:
    """Returns whether a folder is there."""
    return uris.to_path(uri).is_dir()


def size(uri: str) -> int | None:
    """Returns the bytes of a file; None where there is none."""
    try:
        return uris.to_path(uri).stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_bytes(uri: str) -> bytes:
    """Returns the whole content of a file."""
    return uris.to_path(uri).read_bytes()


def pin(uri: str) -> Pinned:
    """Returns a file with its size and mtime as its version."""
    try:
        # Of millions of files: a Path takes longer than the look at the file.
        path = uri if uri.startswith("/") else uris.to_path(uri)
        return Pinned(uri, _version(os.stat(path)))  # noqa: PTH116
    except (OSError, ValueError):
        return Pinned(uri, UNKNOWN)


@contextmanager
def open_for_reading(uri: str, *, pinned: Pinned | None) -> Iterator[BinaryIO]:
    """Opens a file, which must be the pinned one."""
    with uris.to_path(uri).open("rb") as file:
        if pinned is not None and _version(os.fstat(file.fileno())) != pinned.version:
            raise _changed()
        yield file


@contextmanager
def local_copy(uri: str) -> Iterator[Path]:
    """Returns the file itself."""
    yield uris.to_path(uri)


def parallel_reads() -> int:
    """Returns how many files to read at once."""
    return 4


def read_photo(photo: Pinned, *, root: str | None) -> bytes:
    """Returns the bytes of a photo, exactly those that were pinned."""
    uri = photo.uri
    try:
        return _read_pinned(uri, photo.version, root)
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


def _read_pinned(uri: str, expected_version: str, root: str | None) -> bytes:
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
        data = _read(descriptor, min(before.st_size, _MAX_PHOTO_BYTES) + 1)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if _version(after) != (expected_version or _version(before)):
        raise _changed()
    return data


def _read(descriptor: int, length: int) -> bytes:
    """Returns so many bytes, or all there are; some file systems give a part a call."""
    data = os.read(descriptor, length)
    if len(data) >= length - 1:  # all of a file that is as long as it was
        return data
    pieces = [data]
    while data and (length := length - len(data)):
        pieces.append(data := os.read(descriptor, length))
    return b"".join(pieces)


def _changed() -> BadImage:
    detail = "another content than when the plan was made"
    return BadImage("changed-while-reading", detail, stage="read")


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


def walk(root: str, *, survey: Survey) -> Iterator[tuple[str, Pinned | None]]:
    """Yields the files below a folder; listing them tells no versions.

    Links to folders are not followed: they may lead in a circle.
    """
    pending = [(os.fspath(uris.to_path(root)), "")]
    while pending:
        folder, below = pending.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    path = ""
                    if is_folder or survey.exclude:  # of millions of files: nothing
                        path = below + entry.name
                    if is_folder and (
                        entry.name.startswith(".")
                        or _is_never_entered(entry.path, survey)
                    ):
                        continue
                    if path and survey.leaves_out(path, is_folder=is_folder):
                        continue
                    if is_folder:
                        pending.append((entry.path, f"{path}/"))
                    else:
                        yield uris.to_uri(entry.path), None
        except FileNotFoundError:  # removed since its parent was listed
            continue
        except OSError as error:
            if not below or error.errno in _SYSTEMIC:
                raise
            survey.unreadable[uris.to_uri(folder)] = _why(error)


def _is_never_entered(path: str, survey: Survey) -> bool:
    return bool(survey.folders) and os.path.realpath(path) in survey.folders


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def match(pattern: str, *, survey: Survey) -> Iterator[tuple[str, Pinned | None]]:
    """Yields the files that match a pattern; finding them tells no versions."""
    fixed = f"{patterns.fixed_folder(pattern)}/".count("/")
    loose = patterns.in_any_form(pattern)
    for folder in _folders_of(loose):
        if not os.access(folder, os.R_OK | os.X_OK):
            survey.unreadable[uris.to_uri(folder)] = os.strerror(errno.EACCES).lower()
    for name in glob.iglob(loose, recursive=True):  # noqa: PTH207 - absolute too
        if os.path.isdir(name):  # noqa: PTH112 - of many names
            continue
        if loose != pattern and not patterns.matches(name, pattern):
            continue
        if not survey.leaves_out_path(name.split("/", fixed)[-1]):
            yield uris.to_uri(name), None


def _folders_of(pattern: str) -> Iterator[str]:
    """Yields the folders that are looked through for a pattern, which glob passes over.

    A folder that cannot be listed has no matches for `glob`, and is not told.
    """
    parts = pattern.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        above = "/".join(parts[:count])
        if count < len(parts) and not patterns.is_pattern(parts[count - 1]):
            continue
        for name in glob.iglob(f"{above or ''}/", recursive=True):  # noqa: PTH207
            hidden = os.path.relpath(name, patterns.fixed_folder(pattern))
            if not hidden.startswith("."):
                yield name
