"""A model of a POSIX file system: what of a log of calls survives a power loss.

It promises no more than POSIX does: the bytes of a file are durable after `fsync` of
the file, a name after `fsync` of its folder, a folder's own name after `fsync` of its
parent, everything after `sync` or `syncfs`. Removals are durable in the same way, so an
old name may come back.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.shim import Call


@dataclass(eq=False)
class Node:
    """A file, or a folder.

    Attributes:
        live: Its bytes now.
        durable: Its bytes after a power loss; None: nobody knows, may be empty.
    """

    is_folder: bool = False
    live: bytearray = field(default_factory=bytearray)
    durable: bytes | None = None

    @property
    def is_durable(self) -> bool:
        """Whether a power loss leaves the bytes that a reader sees now."""
        return self.is_folder or (self.durable or b"") == bytes(self.live)


Names = dict[str, Node]


class FileSystem:
    """The files below a folder, as readers see them and as a power loss leaves them.

    Attributes:
        live: Names now, relative to the root.
        durable: Names that a power loss leaves; their folders must be durable, too.
    """

    def __init__(self, root: str):
        self._root = root.rstrip("/")
        self.live: Names = {}
        self.durable: Names = {}
        self._opened: dict[int, Node] = {}

    @classmethod
    def of(cls, folder: Path) -> "FileSystem":
        """Returns a file system on which everything in a folder is durable."""
        made = cls(os.path.realpath(folder))
        for path in sorted(folder.rglob("*")):
            node = Node(path.is_dir())
            if not node.is_folder:
                node.live = bytearray(path.read_bytes())
                made._opened[path.stat().st_ino] = node
            made.live[path.relative_to(folder).as_posix()] = node
        made._sync()
        return made

    def apply(self, call: Call, data: bytes = b"") -> None:
        """Takes over the effect of a call.

        Args:
            call: As it was logged.
            data: What it wrote.
        """
        if call.is_done and (act := _EFFECTS.get(call.op)):
            act(self, call, data)

    def name(self, path: str) -> str:
        """Returns a path relative to the root; empty for the root itself."""
        return path.removesuffix(" (deleted)").removeprefix(self._root).strip("/")

    def is_durable(self, name: str) -> bool:
        """Whether a power loss leaves a name with the node and bytes of now."""
        node = self.live.get(name)
        if node is None or not node.is_durable:
            return False
        return all(self.durable.get(n) is self.live.get(n) for n in _with_parents(name))

    def survivors(self) -> Names:
        """Returns what a power loss leaves at least."""
        return {
            name: node
            for name, node in self.durable.items()
            if all(parent in self.durable for parent in _with_parents(name))
        }

    # ---- effects ----

    def _open(self, call: Call, data: bytes) -> None:
        node = self.live.get(self.name(call.path))
        if node is None or call.flags == 1:
            node = self.live[self.name(call.path)] = Node()
        elif call.flags == 2:
            node.live.clear()
        self._opened[call.inode] = node

    def _write(self, call: Call, data: bytes) -> None:
        node = self._opened[call.inode]
        data = data or bytes(int(call.result))  # their number where none were kept
        end = call.offset + len(data)
        node.live.extend(bytes(max(0, end - len(node.live))))
        node.live[call.offset : end] = data

    def _truncate(self, call: Call, data: bytes) -> None:
        node = self._opened[call.inode]
        node.live.extend(bytes(max(0, call.bytes - len(node.live))))
        del node.live[call.bytes :]

    def _rename(self, call: Call, data: bytes) -> None:
        old, new = self.name(call.path), self.name(call.path2)
        if self.live.get(new) is self.live[old]:
            return  # two names of one file: POSIX does nothing
        self.live.pop(new, None)
        for name in [n for n in self.live if n == old or n.startswith(f"{old}/")]:
            self.live[new + name[len(old) :]] = self.live.pop(name)

    def _link(self, call: Call, data: bytes) -> None:
        self.live[self.name(call.path2)] = self.live[self.name(call.path)]

    def _remove(self, call: Call, data: bytes) -> None:
        self.live.pop(self.name(call.path), None)

    def _mkdir(self, call: Call, data: bytes) -> None:
        if name := self.name(call.path):  # the root's own name is its owner's matter
            self.live[name] = Node(is_folder=True)

    def _fsync(self, call: Call, data: bytes) -> None:
        name = self.name(call.path)
        if name == "" or (name in self.live and self.live[name].is_folder):
            self._sync_names(name)
        elif (node := self._opened.get(call.inode)) is not None:
            node.durable = bytes(node.live)

    def _sync_names(self, folder: str) -> None:
        inside = [
            n for n in {*self.live, *self.durable} if n.rpartition("/")[0] == folder
        ]
        for name in inside:
            self.durable.pop(name, None)
            if name in self.live:
                self.durable[name] = self.live[name]

    def _sync(self, *_: object) -> None:
        self.durable = dict(self.live)
        for node in self.live.values():
            node.durable = bytes(node.live)


_EFFECTS: Final[Mapping[str, Callable[[FileSystem, Call, bytes], None]]] = {
    "open": FileSystem._open,
    "write": FileSystem._write,
    "ftruncate": FileSystem._truncate,
    "rename": FileSystem._rename,
    "link": FileSystem._link,
    "unlink": FileSystem._remove,
    "rmdir": FileSystem._remove,
    "mkdir": FileSystem._mkdir,
    "fsync": FileSystem._fsync,
    "syncfs": FileSystem._sync,
    "sync": FileSystem._sync,
}


def replay(
    system: FileSystem, calls: Iterable[Call], data: bytes
) -> Iterator[tuple[Call, FileSystem]]:
    """Yields each call of a log with the file system after it, one and the same.

    Args:
        system: As it was before the first call.
        calls: The log.
        data: The written bytes.
    """
    for call in calls:
        written = int(call.result) if call.op == "write" and call.is_done else 0
        system.apply(call, data[call.data : call.data + written])
        yield call, system


def _with_parents(name: str) -> list[str]:
    words = name.split("/")
    return ["/".join(words[: n + 1]) for n in range(len(words))]


def parents(name: str) -> list[str]:
    """Returns the folders that a name lies in, the outermost first."""
    return _with_parents(name)[:-1]


def write_survivors(system: FileSystem, folder: Path) -> None:
    """Makes the least that a power loss leaves: only what POSIX calls durable.

    Bytes of which nothing is promised are none, as on file systems that allocate late.
    """
    _write(system.survivors(), folder)


def write_names(system: FileSystem, folder: Path) -> None:
    """Makes what a journal of names leaves: every name, but only synced bytes."""
    _write(system.live, folder)


def _write(names: Names, folder: Path) -> None:
    folder.mkdir()
    for name, node in sorted(names.items()):
        if node.is_folder:
            (folder / name).mkdir(exist_ok=True)
        else:
            (folder / name).write_bytes(node.durable or b"")
