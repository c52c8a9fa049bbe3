"""A web server on this machine that takes what is posted, and answers as it should."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.doubles.loopback import serving


class Posted(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What was posted, and what is answered.

    Attributes:
        statuses: One after another, the answers; the last one stays.
        pause: Seconds before an answer.
        requests: What came.
    """

    statuses: Sequence[int] = (200,)
    pause: float = 0.0
    requests: list[Posted] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def receiver(
    statuses: Sequence[int] = (200,), *, pause: float = 0
) -> Iterator[Receiver]:
    """Runs a server while the block runs."""
    state = Receiver(statuses, pause)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            number = min(len(state.requests), len(state.statuses) - 1)
            state.requests.append(Posted(self.path, dict(self.headers), body))
            time.sleep(state.pause)
            self.send_response(state.statuses[number])
            if state.statuses[number] in (301, 302, 307):
                self.send_header("Location", f"{state.address}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the log of a test its own."""

    with serving(Handler) as state.port:
        yield state
