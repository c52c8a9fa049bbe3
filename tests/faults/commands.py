"""Running `fcn` commands with faults, through servers that fork."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.faults.shim import Call, Fault, read_log

ROOT: Final = Path(__file__).resolve().parents[2]
_SECONDS: Final = 120

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code, or minus the signal that ended it.
        calls: What was counted, in order.
    """

    code: int
    stdout: str
    stderr: str
    calls: tuple[Call, ...] = ()

    @property
    def is_killed(self) -> bool:
        return self.code == -signal.SIGKILL

    def traceback(self) -> str | None:
        """Returns the last line of a traceback that a person would see."""
        if "Traceback (most recent call last)" not in self.stderr:
            return None
        return "traceback: " + self.stderr.strip().splitlines()[-1][:300]


class Running:
    """A command that was started.

    Args:
        server: Its parent.
        folder: Where its streams and its log go.
        pid: Of the process.
    """

    def __init__(self, server: "Server", folder: Path, pid: int):
        self.pid = pid
        self._server, self._folder = server, folder
        self._status: int | None = None

    def wait(self, *, seconds: float = _SECONDS) -> Ended | None:
        """Returns how it ended; None where it is stopped."""
        status = self._server.ask(do="wait", pid=self.pid, seconds=seconds)["status"]
        if status is None:
            self.kill()
            raise AssertionError(f"a command did not end in {seconds} s: {self._end()}")
        if os.WIFSTOPPED(status):
            return None
        self._status = status
        return self._end()

    def children(self) -> list[int]:
        """Returns the processes that it started, its lanes."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def go_on(self) -> None:
        """Continues a stopped process."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kills it as the kernel would; does nothing where it has ended."""
        if self._status is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._status = self._server.ask(do="wait", pid=self.pid, seconds=20)["status"]

    def _end(self) -> Ended:
        code = os.waitstatus_to_exitcode(self._status or 0)
        texts = ((self._folder / name) for name in ("stdout", "stderr"))
        stdout, stderr = (path.read_text(errors="replace") for path in texts)
        return Ended(code, stdout, stderr, tuple(read_log(self._folder / "log")))


class Server:
    """The owner's side of `tests.faults.server`; for one thread at a time.

    Args:
        library: Of `shim.build`.
        scratch: A folder of its own.
    """

    def __init__(self, library: Path, scratch: Path):
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)
        self._number = 0
        environment = {**os.environ, "LD_PRELOAD": os.fspath(library)}
        environment |= {"PYTHONPATH": os.fspath(ROOT), "PYTHONHASHSEED": "0"}
        # NumPy's library and Arrow's allocator would start threads when imported.
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        environment |= {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Sends one request, returns its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the fork server is gone"
        return json.loads(line)

    def start(
        self,
        words: Sequence[str],
        root: Path,
        fault: Fault | None = None,
        *,
        inline: bool = True,
        data: Path | None = None,
        modules: Path | None = None,
    ) -> Running:
        """Starts a command.

        Args:
            words: Of the command, without `fcn`.
            root: Calls below it are counted.
            fault: What breaks, and when.
            inline: Whether lanes answer without processes, see `tests.faults.lanes`.
            data: Where to keep the written bytes.
            modules: Where to note which modules it needed.
        """
        self._number += 1
        folder = self._scratch / f"{self._number % 64:02}"
        folder.mkdir(exist_ok=True)
        (folder / "log").unlink(missing_ok=True)
        answer = self.ask(
            do="start",
            words=list(words),
            root=os.path.realpath(root),
            fault=asdict(fault or Fault()),
            log=os.fspath(folder / "log"),
            data=os.fspath(data or ""),
            stdout=os.fspath(folder / "stdout"),
            stderr=os.fspath(folder / "stderr"),
            inline=inline,
            modules=os.fspath(modules or ""),
        )
        return Running(self, folder, answer["pid"])

    def run(
        self, words: Sequence[str], root: Path, fault: Fault | None = None, **more: Any
    ) -> Ended:
        """Runs a command to its end."""
        ended = self.start(words, root, fault, **more).wait()
        assert ended is not None
        return ended

    def modules(self, words: Sequence[str], root: Path) -> list[str]:
        """Runs a command; returns the modules that its process had in the end."""
        modules = self._scratch / "modules"
        ended = self.start(words, root, modules=modules).wait(seconds=900)
        assert ended is not None
        assert ended.code == 0, ended.stderr
        return json.loads(modules.read_text())

    def preload(self, names: Sequence[str]) -> None:
        """Imports modules that commands need, so that no child has to."""
        threads = self.ask(do="import", names=names)["threads"]
        assert threads == 1, f"an import started {threads - 1} threads"

    def close(self) -> None:
        """Ends the server, and with it all of its children."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Servers:
    """As many servers as trials that may run side by side."""

    def __init__(self, library: Path, scratch: Path, *, count: int):
        self._all = [Server(library, scratch / f"{n}") for n in range(count)]
        self._free: queue.SimpleQueue[Server] = queue.SimpleQueue()
        self.scratch = scratch
        for server in self._all:
            self._free.put(server)

    @contextlib.contextmanager
    def one(self) -> Iterator[Server]:
        """Lends a server."""
        server = self._free.get()
        try:
            yield server
        finally:
            self._free.put(server)

    def warm(self, *commands: Callable[[Path], Sequence[str]]) -> None:
        """Lets every server import what some commands need.

        Args:
            commands: Each returns the words of a command for an output.
        """
        names: dict[str, None] = {}
        with self.one() as server, tempfile.TemporaryDirectory() as folder:
            for number, words in enumerate(commands):
                out = Path(folder) / f"{number}"
                names |= dict.fromkeys(server.modules(words(out), out))
        with ThreadPoolExecutor(len(self._all)) as pool:
            list(pool.map(lambda server: server.preload(list(names)), self._all))

    def each(
        self, act: Callable[[Server, Path, Item], Outcome], items: Iterable[Item]
    ) -> list[tuple[Item, Outcome]]:
        """Runs trials side by side, each with a folder that is removed after it."""

        def work(item: Item) -> tuple[Item, Outcome]:
            with (
                self.one() as server,
                tempfile.TemporaryDirectory(dir=self.scratch) as folder,
            ):
                return item, act(server, Path(folder), item)

        with ThreadPoolExecutor(len(self._all)) as pool:
            begun = [pool.submit(work, item) for item in items]
            try:
                return [trial.result() for trial in begun]
            finally:  # an interrupted sweep does not wait for what it had planned
                pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """Ends all of them."""
        for server in self._all:
            server.close()
