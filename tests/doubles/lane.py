"""What lanes do in tests: tasks that answer, and tasks that die in each known way.

They run in the lanes' child processes, so they note what happened in files of a folder
of the test's.
"""

import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fcn_core.bad_image import BadImage
from pipelines.lanes.messages import Header

Answer = tuple[Header, list[bytes]]


def framed(head: bytes) -> bytes:
    """Returns a head with its length before it."""
    return len(head).to_bytes(4, "little") + head


BABBLE = {
    "text": b"Corrupt JPEG data",
    "empty": framed(b"[{},[]]"),
    "greeting": framed(b'[{"ready":true},[]]'),
    "reason": framed(
        b'[{"answers":[[{"bad":{"reason":"x","detail":""}},0]],"replace":false},[]]'
    ),
}
"""What is no answer: no message, or a message without an outcome."""


class Echo:
    """Answers with what it got, and where."""

    def __init__(self, config: Header):
        self._config = config

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        reply = {"header": header, "config": self._config, "pid": os.getpid()}
        return reply, list(blobs)


class Loud(Echo):
    """Prints to every place that could be the pipe, also past Python."""

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        print("a library's banner")  # noqa: T201
        sys.stdout.flush()
        os.write(1, b"\x01\x00\x00\x00 native noise")
        libc = ctypes.CDLL(None)
        libc.puts(b"noise of C")
        libc.fflush(None)
        return super().__call__(header, blobs)


class Surroundings:
    """Answers with what the lane inherited."""

    def __init__(self, config: Header):
        del config

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        del header, blobs
        return {
            "environment": dict(os.environ),
            "session": os.getsid(0),
            "parents_session": os.getsid(os.getppid()),
            "core_limit": resource.getrlimit(resource.RLIMIT_CORE)[0],
            "oom_score_adj": int(Path("/proc/self/oom_score_adj").read_text()),
            "open_files": sorted(int(name) for name in os.listdir("/proc/self/fd")),  # noqa: PTH208
        }, []


class Perils(Echo):
    """Does what the blob says; good blobs are echoed.

    Every try is a line of `journal`: what was tried, when it began and, if it did,
    when it ended.
    """

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        word = blobs[0].decode()
        self._note(f"begin {word}")
        self._do(word)
        reply = super().__call__(header, blobs)
        self._note(f"end {word}")
        return reply

    def _note(self, line: str) -> None:
        with Path(self._config["journal"]).open("ab") as journal:
            journal.write(f"{time.monotonic():.6f} {line}\n".encode())

    def _do(self, word: str) -> None:
        match word.partition(" ")[0]:
            case "good":
                time.sleep(0.02)
            case "long":
                time.sleep(0.25)
            case "spin":
                while True:
                    pass
            case "swell":
                self._swollen = [bytearray(16 << 20) for _ in range(1000)]
            case "sleep":
                time.sleep(3600)
            case "grow":
                self._grown = b"x" * (64 << 20)
            case "bad":
                raise BadImage("corrupt", "drawn by a test")
            case "refused":
                raise BadImage("out-of-memory", "no memory for the picture's pixels")
            case "bug":
                raise TypeError("not one photo's fault")
            case "leave":
                os.close(int(word.partition(" ")[2]))
                time.sleep(3600)
            case "babble":
                self._babble(word)
            case _:
                self._die(word)

    def _die(self, word: str) -> None:
        match word.partition(" ")[0]:
            case "abort":
                os.abort()
            case "abort-once" if not self._was_here(word):
                os.abort()
            case "abort-later" if self._was_here(word):
                os.abort()
            case "segfault":
                ctypes.string_at(0)
            case "signal":
                os.kill(os.getpid(), int(word.partition(" ")[2]))
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "killed-once" if not self._was_here(word):
                os.kill(os.getpid(), signal.SIGKILL)
            case "for-memory":
                self._add("kills")
                os.kill(os.getpid(), signal.SIGKILL)
            case "for-memory-once" if not self._was_here(word):
                self._die("for-memory")
            case "exit":
                os._exit(int(word.partition(" ")[2]))
            case "exit-or-abort":  # in turn
                if self._add("tries") % 2:
                    os._exit(1)
                os.abort()

    def _add(self, name: str) -> int:
        """Makes a file beside the journal a byte longer; returns its length."""
        with self._beside(name).open("ab") as file:
            file.write(b"x")
        return self._beside(name).stat().st_size

    def _babble(self, word: str) -> None:
        """Writes what is no answer where the replies go: the last pipe opened."""
        pipes = [
            int(path.name)
            for path in Path("/proc/self/fd").iterdir()
            if path.is_symlink() and os.readlink(path).startswith("pipe:")  # noqa: PTH115
        ]
        os.write(max(pipes), BABBLE[word.partition(" ")[2]])
        time.sleep(3600)

    def _beside(self, name: str) -> Path:
        return Path(self._config["journal"]).with_name(name)

    def _was_here(self, word: str) -> bool:
        mark = self._beside(word.replace(" ", "-"))
        if mark.exists():
            return True
        mark.touch()
        return False


class PerilousPictures(Perils):
    """Draws a picture of a good blob, as `pipelines.pages.lane` does."""

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        if not blobs[0].startswith(b"\xff\xd8"):  # a word, not a JPEG
            super().__call__(header, blobs)
        return {"height": 30, "width": 40}, [b"a picture"]


class NoModel:
    """A task whose model does not load."""

    def __init__(self, config: Header):
        # Here: it imports much, and hundreds of lanes of tests do without.
        from fcn_core.bundles.card import ModelError

        raise ModelError(f"the model {config['name']} does not load")

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        raise NotImplementedError


class CrashingModel(NoModel):
    """A task whose model takes the process down when it loads."""

    def __init__(self, config: Header):
        del config
        os.abort()


class Burn(Echo):
    """Uses as many seconds of CPU as the blob says."""

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        until = time.process_time() + float(blobs[0])
        while time.process_time() < until:
            pass
        return super().__call__(header, blobs)
