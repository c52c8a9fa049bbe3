"""Processes that outlive who started them: known by id and birth, ended by id alone."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_PROC: Final = Path("/proc")
_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True)
class Process:
    """A process of the cluster, perhaps started by another command.

    Attributes:
        name: What it is in the cluster.
        pid: Its process id.
        birth: When it began, in the words of the system: an id alone may be another
            process by now.
        log: What it prints.
    """

    name: str
    pid: int
    birth: str
    log: Path
    _child: "subprocess.Popen[bytes] | None" = field(default=None, compare=False)

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str],
        folder: Path,
    ) -> "Process":
        """Starts a process with a session of its own.

        Args:
            name: What it is in the cluster.
            command: Its words.
            log: Appended to.
            environment: Its variables, all of them.
            folder: Where it runs.
        """
        with log.open("ab") as file:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
        return cls(name, child.pid, _birth(child.pid), log, child)

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> "Process":
        """Returns the process that `to_json` described."""
        log = Path(values["log"])
        return cls(values["name"], values["pid"], values["birth"], log)

    def to_json(self) -> dict[str, Any]:
        """Returns what another command needs to find it again."""
        return {
            "name": self.name,
            "pid": self.pid,
            "birth": self.birth,
            "log": os.fspath(self.log),
        }

    def is_running(self) -> bool:
        """Whether it is there, and is still the same process."""
        if self._child is not None:
            return self._child.poll() is None
        return bool(self.birth) and _birth(self.pid) == self.birth

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal, unless it has ended."""
        if self.is_running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Returns whether it ended in time."""
        deadline = time.monotonic() + seconds
        while self.is_running():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self.send(signal.SIGKILL)
        self.wait(30)

    def tail(self, lines: int = 1) -> list[str]:
        """Returns the last lines of its log, stack traces aside."""
        try:
            text = self.log.read_text("utf-8", errors="replace")
        except OSError:
            return []
        found = [line.strip() for line in text[-20_000:].splitlines()]
        found = [x for x in found if x and not x.startswith(("at ", "... "))]
        return found[-lines:]

    def epitaph(self) -> str:
        """Returns one line that says that it died, and what it printed last."""
        last = " ".join(self.tail()) or "none"
        return f"{self.name} has died; the last line of {self.log}: {last[:300]}"


def session_of(leader: Process) -> list[Process]:
    """Returns what lives in the session that a process began, itself aside.

    That are its children, also those that outlived it. Where the system has no /proc
    there are none to be found.
    """
    if _birth(leader.pid) not in ("", leader.birth):
        return []  # the id is another process's by now, and so may the session be
    found = []
    for path in _PROC.glob("[0-9]*/stat"):
        pid = int(path.parent.name)
        with contextlib.suppress(OSError, IndexError):
            session = int(path.read_text().rpartition(")")[2].split()[3])
            if session == leader.pid != pid and (birth := _birth(pid)):
                name = f"a child of {leader.name}"
                found.append(Process(name, pid, birth, leader.log))
    return found


def _birth(pid: int) -> str:
    """Returns when a process began; empty where there is none, or only its end."""
    if not (_PROC / "self").exists():
        return _birth_by_ps(pid)
    try:
        fields = (_PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _birth_by_ps(pid: int) -> str:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    state, _, birth = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else birth.strip()
