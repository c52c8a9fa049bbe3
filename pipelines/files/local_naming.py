"""How a finished file gets a name that must be free: of many writers one wins.

The bytes are in a temporary file beside the name, whole and on the disk, before the
name appears by one call of the system: a kill leaves the name free or a whole file.
Which call that is depends on what the file system has, see `WAYS`.
"""

import ctypes
import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipelines.faults import SystemicFault

_LACKING: Final = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL, errno.EMLINK, errno.EXDEV}
)
"""What systems answer to a call that they, or a file system, do not have."""

_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1
_RENAME_EXCL: Final = 4  # of macOS
_LOCK_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.01


class Lacking(Exception):
    """The file system does not have what a way needs."""


def name_once(temporary: Path, path: Path) -> bool:
    """Gives a finished file a name unless the name is taken.

    Args:
        temporary: The file; it may be gone or there afterwards.
        path: Its name, in the same folder.

    Returns:
        Whether it has the name now.

    Raises:
        FileNotFoundError: The temporary file is gone, or the folder.
        SystemicFault: The file system has no call for it.
    """
    for way in WAYS:
        try:
            way(temporary, path)
        except Lacking:
            continue
        except FileExistsError:
            return False
        return True
    raise SystemicFault(
        f"{path.parent}: got a file system without hard links, without renames that "
        "refuse a taken name and without locks, expected one of them, or two runs "
        "could both be the first; write to another disk and copy the results"
    )


def _link(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except OSError as error:
        raise _or_lacking(error) from error


def _rename_if_free(temporary: Path, path: Path) -> None:
    """Renames by the one call that refuses a taken name: exFAT, FAT and SMB have it."""
    library = ctypes.CDLL(None, use_errno=True)
    source, target = os.fsencode(temporary), os.fsencode(path)
    if hasattr(library, "renameat2"):
        names = (_AT_FDCWD, source, _AT_FDCWD, target)
        failed = library.renameat2(*names, ctypes.c_uint(_RENAME_NOREPLACE))
    elif hasattr(library, "renamex_np"):
        failed = library.renamex_np(source, target, ctypes.c_uint(_RENAME_EXCL))
    else:
        raise Lacking
    if failed:
        code = ctypes.get_errno()
        error = OSError(code, os.strerror(code), os.fspath(temporary), None, str(path))
        raise _or_lacking(error)


def _rename_alone(temporary: Path, path: Path) -> None:
    """Renames while nobody else of this host names a file in the folder.

    The lock is the kernel's: it leaves no file, and ends with a process that dies.
    """
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        _lock(folder, path.parent)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        temporary.rename(path)
        fcntl.flock(folder, fcntl.LOCK_UN)
    finally:
        os.close(folder)


def _lock(folder: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SystemicFault(
                    f"{path}: got a lock that another process keeps, expected it to be "
                    f"free within {_LOCK_SECONDS:.0f} s; end the process (lslocks)"
                ) from None
            time.sleep(_PAUSE_SECONDS)
        except OSError as error:
            raise Lacking from error
        else:
            return


def _or_lacking(error: OSError) -> Exception:
    return Lacking() if error.errno in _LACKING else error


WAYS: tuple[Callable[[Path, Path], None], ...] = (
    _link,
    _rename_if_free,
    _rename_alone,
)
"""Tried in turn. The first two hold between all hosts that share the file system.

The last one holds between the processes of one host; the file systems that need it,
such as a bucket that is mounted, have no call that would do more.
"""
