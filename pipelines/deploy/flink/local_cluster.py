"""A cluster of Flink on this machine: started, watched, hurt and stopped."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import yaml

import pipelines
from pipelines.deploy.flink import commands, jars
from pipelines.deploy.flink.commands import HOST, Commands, Ports
from pipelines.deploy.flink.processes import Process, session_of
from pipelines.faults import SystemicFault, UsageError

_STATE: Final = "cluster.json"
_READY_SECONDS: Final = 180
_STOP_SECONDS: Final = 15
_ROOT: Final = Path(pipelines.__file__).parents[1]


class Cluster(contextlib.AbstractContextManager["Cluster"]):
    """A JobManager, TaskManagers of one slot, Beam's job server, a pool of workers.

    Args:
        commands: What its processes are started with.
        task_managers: Their number.
        processes: Those that were started, by name.
    """

    def __init__(
        self,
        commands: Commands,
        *,
        task_managers: int,
        processes: dict[str, Process] | None = None,
    ):
        self.commands, self.task_managers = commands, task_managers
        self.processes = processes or {}

    @classmethod
    def start(
        cls, folder: Path, jar_folder: Path, *, ports: Ports, task_managers: int = 2
    ) -> "Cluster":
        """Starts a cluster, and returns when a job can be sent to it.

        Args:
            folder: For settings, logs and process ids.
            jar_folder: Filled by Maven where it has no jars.
            ports: Where its processes listen.
            task_managers: Number of TaskManagers, each with one slot.

        Raises:
            UsageError: One runs there already.
            SystemicFault: Java or Maven fails, or a process dies.
        """
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _check_nothing_runs(folder)
            java = jars.find_java()
            jars.fetch(jar_folder.absolute())
            words = Commands(java, jar_folder.absolute(), folder, ports)
            started = cls(words, task_managers=task_managers)
            started._prepare()
            try:
                for name in commands.names(task_managers):
                    started.start_process(name)
                started.wait_until_ready()
            except BaseException:
                started._stop_all()
                raise
        return started

    @classmethod
    def open(cls, folder: Path) -> "Cluster":
        """Returns the cluster that another command started.

        Raises:
            UsageError: There is none.
        """
        folder = folder.absolute()
        try:
            state = json.loads((folder / _STATE).read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UsageError(
                f"--folder {folder}: got no cluster there, expected one that was "
                "started; start it, or name its folder"
            ) from error
        except ValueError as error:
            raise SystemicFault(
                f"{folder / _STATE}: got {error}, expected JSON of a start; remove it "
                "when none of the processes runs"
            ) from error
        words = Commands(
            state["java"], Path(state["jars"]), folder, Ports(**state["ports"])
        )
        known = map(Process.of_json, state["processes"])
        return cls(
            words,
            task_managers=state["task_managers"],
            processes={process.name: process for process in known},
        )

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def web(self) -> str:
        """URL of Flink's page."""
        return f"http://{HOST}:{self.commands.ports.web}"

    def flags(self, parallelism: int | None = None) -> list[str]:
        """Returns the flags that send a job to it."""
        return self.commands.job_flags(parallelism or self.task_managers)

    def start_process(self, name: str) -> None:
        """Starts a process, or starts one again that has ended."""
        self.processes[name] = Process.start(
            name,
            self.commands.of(name),
            self.commands.folder / "logs" / f"{name}.log",
            environment=self.commands.environment(),
            folder=_ROOT,  # the workers find this package where it is not installed
        )
        self._write_state()

    def kill(self, name: str) -> None:
        """Kills a process as a crash would; it stays away until it is started."""
        self.processes[name].kill()

    def restart(self, name: str) -> None:
        """Kills a process and starts it again."""
        self.kill(name)
        self.start_process(name)

    def workers(self) -> list[int]:
        """Returns the process ids of the Python workers."""
        pool = self.processes[commands.WORKER_POOL]
        return [process.pid for process in session_of(pool)]

    def dead(self) -> list[Process]:
        """Returns the processes that have ended, though nobody stopped them."""
        return [p for p in self.processes.values() if not p.is_running()]

    def ask(self, path: str, *, method: str = "GET") -> dict[str, Any]:
        """Returns an answer of Flink's REST interface.

        Raises:
            SystemicFault: It does not answer.
        """
        request = urllib.request.Request(f"{self.web}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read() or b"{}")
        except (OSError, ValueError) as error:
            raise SystemicFault(
                f"{self.web}{path}: got {error}, expected Flink's answer; look at "
                f"{self.commands.folder / 'logs'}"
            ) from error

    def wait_until_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Returns when every slot is there and both servers listen.

        Raises:
            SystemicFault: A process died, or it took too long.
        """
        deadline = time.monotonic() + seconds
        while missing := self.missing():
            if dead := self.dead():
                raise SystemicFault(f"{dead[0].epitaph()}; mend that, and start again")
            if time.monotonic() > deadline:
                raise SystemicFault(
                    f"got no {missing} within {seconds:.0f} s, expected the cluster "
                    f"to be ready; look at {self.commands.folder / 'logs'}"
                )
            time.sleep(0.2)

    def missing(self) -> str | None:
        """Returns what is not there yet; None when a job can be sent."""
        for name, port in (
            (commands.JOB_SERVER, self.commands.ports.job),
            (commands.WORKER_POOL, self.commands.ports.pool),
        ):
            if not _listens(port):
                return f"answer of the {name}"
        try:
            slots = self.ask("/overview").get("slots-total", 0)
        except SystemicFault:
            return f"answer of the {commands.JOB_MANAGER}"
        if slots < self.task_managers:
            return f"more than {slots} of {self.task_managers} slots"
        return None

    def stop(self) -> None:
        """Ends its processes by their ids, and forgets them."""
        with _alone(self.commands.folder):
            self._stop_all()

    def _stop_all(self) -> None:
        running = list(self.processes.values())
        pool = self.processes.get(commands.WORKER_POOL)
        running += session_of(pool) if pool else []
        for process in running:
            process.send(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in running:
            if not process.wait(max(0.0, deadline - time.monotonic())):
                process.kill()
        for late in session_of(pool) if pool else []:  # begun in the last moment
            late.kill()
        (self.commands.folder / _STATE).unlink(missing_ok=True)
        shutil.rmtree(self.commands.scratch, ignore_errors=True)

    def _prepare(self) -> None:
        words = self.commands
        for folder in (words.conf, words.scratch, words.folder / "logs"):
            folder.mkdir(exist_ok=True)
        settings = commands.settings(words.ports, words.scratch)
        (words.conf / "config.yaml").write_text(yaml.safe_dump(settings), "utf-8")

    def _write_state(self) -> None:
        state = {
            "java": self.commands.java,
            "jars": os.fspath(self.commands.jars),
            "ports": asdict(self.commands.ports),
            "task_managers": self.task_managers,
            "processes": [process.to_json() for process in self.processes.values()],
        }
        path = self.commands.folder / _STATE
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps(state, indent=1), "utf-8")
        scratch.replace(path)


def _check_nothing_runs(folder: Path) -> None:
    if not (folder / _STATE).exists():
        return
    left = Cluster.open(folder)
    running = [p.name for p in left.processes.values() if p.is_running()]
    if running:
        raise UsageError(
            f"--folder {folder}: got a cluster that runs there ({len(running)} "
            "processes), expected none; stop it first, or name another folder"
        )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lets one command at a time start or stop a folder's cluster."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"--folder {folder}: got another start or stop at work there, expected "
                "none; wait for its end"
            ) from error
        yield


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
