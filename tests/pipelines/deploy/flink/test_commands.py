"""Ports, Flink's settings, and the words of the cluster's processes."""

import dataclasses
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.deploy.flink import commands
from pipelines.deploy.flink.commands import Commands, Ports
from pipelines.faults import UsageError

PORTS = Ports(job=1, web=2, pool=3, rpc=4, artifacts=5, expansion=6)
COMMANDS = Commands("java", Path("/jars"), Path("/folder"), PORTS)


def test_free_ports_differ() -> None:
    assert len(set(dataclasses.astuple(Ports.choose()))) == 6


def test_a_wanted_port_is_taken_by_us_or_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError) as raised:
            Ports.choose(web=port)
        assert str(raised.value).startswith(f"--web_port: got {port} (")
    assert Ports.choose(web=port).web == port


@pytest.mark.parametrize("port", [70_000, 1 << 40])
def test_no_port(port: int) -> None:
    with pytest.raises(UsageError, match="--pool_port: got"):
        Ports.choose(pool=port)


def test_one_port_for_two() -> None:
    free = Ports.choose().job
    with pytest.raises(UsageError, match="expected a free port"):
        Ports.choose(job=free, web=free)


def test_every_process_has_its_command() -> None:
    names = list(commands.names(2))
    assert len(names) == 5
    words = {name: " ".join(COMMANDS.of(name)) for name in names}
    assert "StandaloneSessionClusterEntrypoint" in words["jobmanager"]
    assert words["taskmanager-1"] == words["taskmanager-2"]
    assert "--flink-master=127.0.0.1:2 " in words["job-server"]
    assert words["worker-pool"].startswith(f"{sys.executable} -m pipelines.runners.")
    assert words["worker-pool"].endswith("--port=3")


def test_the_memory_of_a_task_manager_adds_up() -> None:
    """Its heap and its direct memory have room for what the settings promise."""
    memory = commands.settings(PORTS, Path("/tmp"))["taskmanager"]["memory"]
    mib = {name: int(part["size"][:-1]) for name, part in _sizes(memory)}
    heap, direct = mib["framework heap"] + mib["task heap"], mib["framework off-heap"]
    network = int(memory["network"]["max"][:-1])
    words = COMMANDS.of("taskmanager-1")
    assert f"-Xmx{heap}m" in words
    given = next(w for w in words if w.startswith("-XX:MaxDirectMemorySize="))
    assert direct + network <= int(given.partition("=")[2][:-1])


def _sizes(memory: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    groups = ("framework", "task")
    return [(f"{g} {kind}", part) for g in groups for kind, part in memory[g].items()]
