"""Memory limits of control groups: both versions, in groups of groups, and none."""

from pathlib import Path

import pytest

from pipelines.lanes.memory import KernelKills, MemoryLimit

MIB = 1 << 20


class Machine:
    """A proc file system and control groups, drawn as files.

    Args:
        folder: Where they are drawn.
        version: Of the control groups.
        path: Of our own group, as the process is told.
        root: Which group is at the top of what is mounted.
    """

    def __init__(self, folder: Path, version: int, path: str, root: str = "/"):
        self.proc, self._mount = folder / "proc", folder / "control groups"
        self._version = version
        self.proc.mkdir()
        self._mount.mkdir()
        point = str(self._mount).replace(" ", "\\040")
        kind = "cgroup2 none rw" if version == 2 else "cgroup cgroup rw,memory"
        own = f"0::{path}" if version == 2 else f"0::/x\n4:memory:{path}\n1:cpu:/y"
        (self.proc / "cgroup").write_text(f"{own}\n")
        (self.proc / "mountinfo").write_text(
            "31 23 0:28 / /proc rw - proc proc rw\n"
            f"35 31 0:32 {root} {point} rw,relatime shared:9 - {kind}\n"
        )

    def group(self, path: str, limit: str, used: int, cache: int = 0) -> None:
        """Draws a group; sizes in MiB."""
        folder = self._mount / path
        folder.mkdir(parents=True, exist_ok=True)
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
        if self._version == 2:
            names = ("memory.max", "memory.current", "")
        (folder / names[0]).write_text(f"{limit}\n")
        (folder / names[1]).write_text(f"{used * MIB}\n")
        (folder / "memory.stat").write_text(
            f"anon 1\n{names[2]}inactive_file {cache * MIB}\n{names[2]}active_file 0\n"
        )

    def free(self) -> int | None:
        """Returns the free MiB as lanes see them."""
        limit = MemoryLimit.find(self.proc)
        return None if limit is None else limit.free_bytes(1 << 60) // MIB


NO_LIMIT = {1: "9223372036854771712", 2: "max"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_group_says_what_is_free(tmp_path: Path, version: int) -> None:
    machine = Machine(tmp_path, version, "/a/b")
    machine.group("a", NO_LIMIT[version], 5000)
    machine.group("a/b", str(900 * MIB), used=700, cache=50)
    assert machine.free() == 250


@pytest.mark.parametrize("version", [1, 2])
def test_the_tightest_group_counts(tmp_path: Path, version: int) -> None:
    machine = Machine(tmp_path, version, "/a/b")
    machine.group("", str(4000 * MIB), used=1000)
    machine.group("a", str(1000 * MIB), used=900)
    machine.group("a/b", str(800 * MIB), used=100)
    assert machine.free() == 100


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("path", "root"),
    [("/", "/"), ("/docker/1", "/docker/1"), ("/docker/1", "/"), ("/../1", "/")],
)
def test_a_container_sees_its_own_group_at_the_top(
    tmp_path: Path, version: int, path: str, root: str
) -> None:
    machine = Machine(tmp_path, version, path, root)
    machine.group("", str(512 * MIB), used=600, cache=100)
    assert machine.free() == 12


@pytest.mark.parametrize("version", [1, 2])
def test_no_limit_is_none(tmp_path: Path, version: int) -> None:
    machine = Machine(tmp_path, version, "/a")
    machine.group("a", NO_LIMIT[version], 100)
    assert machine.free() is None
    assert MemoryLimit.find(tmp_path / "no proc here") is None


def test_memory_above_the_limit_is_none_free(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 2, "/a")
    machine.group("a", str(100 * MIB), used=120)
    assert machine.free() == 0


def test_a_change_is_seen(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 2, "/a")
    machine.group("a", str(100 * MIB), used=20)
    limit = MemoryLimit.find(machine.proc)
    assert limit is not None
    machine.group("a", str(100 * MIB), used=50)
    assert limit.free_bytes(0) == 50 * MIB


@pytest.mark.parametrize(
    ("version", "name", "text"),
    [
        (2, "memory.events", "oom 9\noom_kill 3\n"),
        (1, "memory.oom_control", "under_oom 0\noom_kill 3\n"),
        (2, "nothing", ""),
    ],
)
def test_kills_are_counted(tmp_path: Path, version: int, name: str, text: str) -> None:
    machine = Machine(tmp_path, version, "/a")
    machine.group("a", "max", 1)
    (tmp_path / "vmstat").write_text("pgfault 7\noom_kill 3\n")
    (tmp_path / "control groups" / "a" / name).write_text(text)
    assert KernelKills(machine.proc, tmp_path / "vmstat")() == 3
    assert KernelKills(tmp_path / "none", tmp_path / "none")() == 0
