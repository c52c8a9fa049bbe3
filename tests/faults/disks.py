"""A disk in a file: its copy is what a power loss at that moment would leave."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.faults.shim import NotHere

_MEGABYTES: Final = 48
_OPTIONS: Final = "loop,data=ordered"


def _call(*command: str | Path) -> None:
    words = [os.fspath(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotHere(f"{words[0]} fails: {done.stderr.strip()}")


def make(image: Path) -> None:
    """Makes a disk with an ext4 file system.

    Raises:
        NotHere: This needs root, loop devices and mkfs.ext4.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotHere("disks can be mounted by root on Linux only")
    path = os.pathsep.join((os.environ.get("PATH", ""), "/sbin", "/usr/sbin"))
    if (program := shutil.which("mkfs.ext4", path=path)) is None:
        raise NotHere("no mkfs.ext4: no disk can be made")
    with image.open("wb") as file:
        file.truncate(_MEGABYTES << 20)
    _call(program, "-q", "-F", image)


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mounts a disk while the block runs; the mount takes its loop device with it.

    Raises:
        NotHere: It cannot be mounted.
    """
    folder.mkdir(exist_ok=True)
    _call("mount", "-o", _OPTIONS, image, folder)
    try:
        yield folder
    finally:
        # Lazily where something still holds it: nothing may stay mounted.
        with contextlib.suppress(NotHere):
            _call("umount", folder)
        if folder.is_mount():
            _call("umount", "--lazy", folder)


def copy(image: Path, target: Path) -> None:
    """Copies what the disk has now: what was written back, and no more."""
    shutil.copyfile(image, target)
