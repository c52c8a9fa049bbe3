"""What a process may use of its machine: control groups drawn as files."""

import os
from pathlib import Path

import pytest

from fcn_core import machine

GIB = 1 << 30
NO_MEMORY_LIMIT = {1: "9223372036854771712", 2: "max"}


class Tree:
    """A proc file system and control groups of one version, drawn as files.

    Args:
        folder: Where they are drawn.
        version: Of the control groups.
        own: Our own group, as the process sees it.
        root: Which group is at the top of what is mounted.
    """

    def __init__(self, folder: Path, version: int, own: str, root: str = "/"):
        self.proc, self._groups = folder / "proc", folder / "groups"
        self._version = version
        self.proc.mkdir()
        mounts = ["31 23 0:28 / /proc rw - proc proc rw"]
        if version == 2:
            own_groups = [f"0::{own}"]
            mounts += [f"35 31 0:32 {root} {self._groups} rw - cgroup2 none rw"]
        else:
            own_groups = ["0::/x", f"4:memory:{own}", f"3:cpu,cpuacct:{own}"]
            for name in ("memory", "cpu,cpuacct"):
                point = self._groups / name
                mounts += [f"35 31 0:32 {root} {point} rw - cgroup cgroup rw,{name}"]
        (self.proc / "cgroup").write_text("\n".join(own_groups) + "\n")
        (self.proc / "mountinfo").write_text("\n".join(mounts) + "\n")

    def cores(self, group: str, quota: float | None) -> None:
        """Draws how much time a group has, in cores."""
        micros = None if quota is None else round(quota * 100_000)
        if self._version == 2:
            files = {"cpu.max": f"{'max' if micros is None else micros} 100000"}
        else:
            files = {
                "cpu.cfs_quota_us": str(-1 if micros is None else micros),
                "cpu.cfs_period_us": "100000",
            }
        self._draw("cpu,cpuacct", group, files)

    def memory(self, group: str, limit: int | None) -> None:
        """Draws how much memory a group has."""
        text = NO_MEMORY_LIMIT[self._version] if limit is None else str(limit)
        name = "memory.max" if self._version == 2 else "memory.limit_in_bytes"
        self._draw("memory", group, {name: text})

    def _draw(self, controller: str, group: str, files: dict[str, str]) -> None:
        top = self._groups if self._version == 2 else self._groups / controller
        folder = top / group
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(f"{text}\n")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 96 cores and 512 GiB."""
    sizes = {"SC_PHYS_PAGES": 512 * GIB // 4096, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(96)))
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("quota", "cores"),
    [(None, 96), (2, 2), (1.5, 2), (0.25, 1), (0.01, 1), (64, 64), (200, 96)],
)
def test_a_quota_is_so_many_cores(
    tmp_path: Path, version: int, quota: float | None, cores: int
) -> None:
    tree = Tree(tmp_path, version, "/pod/box")
    tree.cores("pod/box", quota)
    assert machine.usable_cores(tree.proc) == cores
    assert machine.allowed_cores() == 96


@pytest.mark.parametrize("version", [1, 2])
def test_the_tightest_of_all_groups_around_counts(tmp_path: Path, version: int) -> None:
    tree = Tree(tmp_path, version, "/pod/box")
    tree.cores("pod/box", 8)
    tree.cores("pod", 3)
    tree.cores("", None)
    tree.memory("pod/box", 4 * GIB)
    tree.memory("pod", 2 * GIB)
    tree.memory("", None)
    assert machine.usable_cores(tree.proc) == 3
    assert machine.memory_bytes(tree.proc) == 2 * GIB


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("own", "root"), [("/", "/"), ("/docker/1", "/docker/1")])
def test_in_a_container_its_own_group_is_at_the_top(
    tmp_path: Path, version: int, own: str, root: str
) -> None:
    tree = Tree(tmp_path, version, own, root)
    tree.cores("", 2)
    tree.memory("", 2 * GIB)
    assert machine.usable_cores(tree.proc) == 2
    assert machine.memory_bytes(tree.proc) == 2 * GIB


def test_fewer_allowed_cores_than_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree(tmp_path, 2, "/")
    tree.cores("", 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 7, 9})
    assert machine.usable_cores(tree.proc) == 3


@pytest.mark.parametrize("text", ["", "max", "nonsense 1", "100000 0", "1 2 3", "-1 5"])
def test_what_is_no_quota_is_no_limit(tmp_path: Path, text: str) -> None:
    tree = Tree(tmp_path, 2, "/")
    tree.cores("", None)
    (tmp_path / "groups" / "cpu.max").write_text(text)
    assert machine.usable_cores(tree.proc) == 96


def test_without_control_groups_the_machine_counts(tmp_path: Path) -> None:
    assert machine.usable_cores(tmp_path / "none") == 96
    assert machine.memory_bytes(tmp_path / "none") == 512 * GIB


def test_a_mount_with_a_name_in_no_encoding_is_no_fault(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 2, "/")
    tree.cores("", 2)
    mounts = tree.proc / "mountinfo"
    mounts.write_bytes(
        b"30 1 0:1 / /mnt/f\xfcr rw - ext4 /dev/a rw\n" + mounts.read_bytes()
    )
    assert machine.usable_cores(tree.proc) == 2
