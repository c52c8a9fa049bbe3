"""What each process of the cluster is started with: ports, settings, words."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from pipelines.faults import UsageError

HOST: Final = "127.0.0.1"
JOB_MANAGER: Final = "jobmanager"
TASK_MANAGER: Final = "taskmanager"
JOB_SERVER: Final = "job-server"
WORKER_POOL: Final = "worker-pool"

_OPENED: Final = (
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.lang",
    "java.lang.reflect",
    "java.net",
    "java.io",
    "java.nio",
    "java.text",
    "java.time",
    "sun.nio.ch",
)
"""Packages of Java that Flink serialises; closed since Java 17."""


@dataclass(frozen=True)
class Ports:
    """Where the processes listen on this machine's loopback address.

    Attributes:
        job: Beam's job server: `--job_endpoint`.
        web: Flink's page and REST interface.
        pool: The Python workers' pool: `--environment_config`.
        rpc: The JobManager, for its TaskManagers.
        artifacts: The job server, for files of a job.
        expansion: The job server, for transforms of other languages.
    """

    job: int
    web: int
    pool: int
    rpc: int
    artifacts: int
    expansion: int

    @classmethod
    def choose(cls, **wanted: int | None) -> "Ports":
        """Returns the wanted ports, and free ones for those that are None.

        Raises:
            UsageError: A wanted port is taken, or no port.
        """
        with ExitStack() as held:  # together, so that no two are the same
            chosen = {}
            for place in sorted(fields(cls), key=lambda f: wanted.get(f.name) is None):
                server = _listen(place.name, wanted.get(place.name))
                chosen[place.name] = held.enter_context(server).getsockname()[1]
        return cls(**chosen)


def _listen(name: str, port: int | None) -> socket.socket:
    try:
        return socket.create_server((HOST, port or 0))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"--{name}_port: got {port} ({why.lower()}), expected a free port of "
            f"{HOST}; choose another, or leave the flag out"
        ) from error


def settings(ports: Ports, scratch: Path) -> dict[str, Any]:
    """Returns Flink's `config.yaml`.

    The memory of a TaskManager must add up: Flink's own start scripts compute it, a
    process started by its class does not.
    """
    size = {"size": "128m"}
    return {
        "jobmanager": {
            "rpc": {"address": HOST, "port": ports.rpc},
            "bind-host": HOST,
            "memory": {"process": {"size": "1024m"}},
        },
        "taskmanager": {
            "host": HOST,
            "bind-host": HOST,
            "numberOfTaskSlots": 1,
            "cpu": {"cores": 1.0},
            "memory": {
                "framework": {"heap": size, "off-heap": size},
                "task": {"heap": {"size": "256m"}, "off-heap": {"size": "0m"}},
                "network": {"min": "64m", "max": "64m"},
                "managed": size,
                "jvm-metaspace": size,
                "jvm-overhead": {"min": "64m", "max": "64m"},
            },
        },
        "rest": {"address": HOST, "bind-address": HOST, "port": ports.web},
        "io": {"tmp": {"dirs": os.fspath(scratch)}},
        # A lost process is noticed within seconds, not Flink's 50.
        "heartbeat": {"interval": 2000, "timeout": 10000},
        "restart-strategy": {
            "type": "fixed-delay",
            "fixed-delay": {"attempts": 10, "delay": "1 s"},
        },
    }


def names(task_managers: int) -> Iterator[str]:
    """Yields the names of the cluster's processes."""
    yield JOB_MANAGER
    yield from (f"{TASK_MANAGER}-{n}" for n in range(1, task_managers + 1))
    yield from (JOB_SERVER, WORKER_POOL)


@dataclass(frozen=True)
class Commands:
    """Makes the command of a process from its name.

    Attributes:
        java: The program.
        jars: Folder of Flink's and Beam's jars.
        folder: The cluster's own.
        ports: Where the processes listen.
    """

    java: str
    jars: Path
    folder: Path
    ports: Ports

    @property
    def conf(self) -> Path:
        """Folder of `config.yaml`."""
        return self.folder / "conf"

    @property
    def scratch(self) -> Path:
        """Folder of files that need not outlive the cluster."""
        return self.folder / "tmp"

    def of(self, name: str) -> list[str]:
        """Returns the words of a process."""
        conf = ["--configDir", os.fspath(self.conf)]
        flink = "org.apache.flink.runtime"
        if name == JOB_MANAGER:
            main = f"{flink}.entrypoint.StandaloneSessionClusterEntrypoint"
            return [*self._java("-Xmx600m"), main, *conf]
        if name.startswith(TASK_MANAGER):
            memory = self._java("-Xmx384m", "-XX:MaxDirectMemorySize=320m")
            return [*memory, f"{flink}.taskexecutor.TaskManagerRunner", *conf]
        if name == JOB_SERVER:
            return [*self._java("-Xmx400m"), *self._job_server()]
        pool = [sys.executable, "-m", "pipelines.runners.worker_pool"]
        return [*pool, f"--host={HOST}", f"--port={self.ports.pool}"]

    def _java(self, *memory: str) -> list[str]:
        opened = (f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED)
        return [
            *(self.java, *memory, "-XX:+UseSerialGC", *opened),
            "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
            "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            f"-Djava.io.tmpdir={self.scratch}",
            *("-cp", f"{self.jars}/*"),
        ]

    def _job_server(self) -> list[str]:
        return [
            "org.apache.beam.runners.flink.FlinkJobServerDriver",
            f"--flink-master={HOST}:{self.ports.web}",
            f"--job-host={HOST}",
            f"--job-port={self.ports.job}",
            f"--artifact-port={self.ports.artifacts}",
            f"--expansion-port={self.ports.expansion}",
            f"--artifacts-dir={self.scratch / 'artifacts'}",
            f"--flink-conf-dir={self.conf}",
        ]

    def environment(self) -> dict[str, str]:
        """Returns the variables of a process."""
        return {**os.environ, "TMPDIR": os.fspath(self.scratch)}

    def job_flags(self, parallelism: int) -> list[str]:
        """Returns the flags that send a job to the cluster."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint={HOST}:{self.ports.job}",
            "--environment_type=EXTERNAL",
            f"--environment_config={HOST}:{self.ports.pool}",
            f"--parallelism={parallelism}",
            # Else each of a job's stages starts Python anew.
            "--environment_cache_millis=10000",
        ]
