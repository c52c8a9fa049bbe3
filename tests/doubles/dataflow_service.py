"""Dataflow's REST interface on this machine: takes a job, tells its states, cancels.

It answers what Beam's client asks while it submits and awaits a job, and remembers it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.doubles.loopback import serving

ID = "2026-11-29_01_02_03-4567"
_JOBS = re.compile(
    r"/v1b3/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/jobs"
    r"(?P<id>/[^/:?]+)?(?P<part>/messages|/metrics)?(\?.*)?"
)


_CANCELLED = 5
"""JOB_STATE_CANCELLED: the client sends numbers for words."""


@dataclass
class Service:
    """What the service shall answer, and what it was asked.

    Attributes:
        states: One after another, the answers to "how is it?"; the last one stays.
        messages: Importance and text of the lines of the job's log.
        refusal: Status and text of the answer to a new job, where it is refused.
        taken: Whether another job of this name runs already.
        requests: Method and path of all requests.
        jobs: The jobs that were submitted.
    """

    states: Sequence[str] = ("JOB_STATE_DONE",)
    messages: Sequence[tuple[str, str]] = ()
    refusal: tuple[int, str] | None = None
    taken: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)
    jobs: list[Mapping[str, Any]] = field(default_factory=list)
    port: int = 0
    _asked: int = 0
    _cancelled: bool = False

    @property
    def endpoint(self) -> str:
        """What is given as `--dataflow_endpoint`."""
        return f"http://localhost:{self.port}"

    def answer(
        self, method: str, path: str, body: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, Any]]:
        self.requests.append((method, path))
        found = _JOBS.fullmatch(path)
        if found is None:
            return _error(404, f"no such thing as {path}")
        if method == "POST" and found["id"] is None:
            return self._submit(body)
        if method == "PUT":
            self._cancelled = body.get("requestedState") == _CANCELLED
            return 200, self._job()
        if found["part"] == "/messages":
            return 200, {"jobMessages": list(self._messages())}
        if found["part"] == "/metrics":
            return 200, {"metrics": []}
        return 200, self._job()

    def _submit(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        if self.refusal is not None:
            return _error(*self.refusal)
        self.jobs.append(body)
        request = "another" if self.taken else body["clientRequestId"]
        return 200, {
            "id": ID,
            "name": body["name"],
            "clientRequestId": request,
            "currentState": "JOB_STATE_PENDING",
        }

    def _job(self) -> Mapping[str, Any]:
        state = self.states[min(self._asked, len(self.states) - 1)]
        self._asked += 1
        if self._cancelled:
            state = "JOB_STATE_CANCELLED"
        return {"id": ID, "currentState": state}

    def _messages(self) -> Iterator[Mapping[str, str]]:
        for second, (importance, text) in enumerate(self.messages):
            yield {
                "id": str(second),
                "time": f"2026-11-29T01:02:{second:02d}Z",
                "messageImportance": f"JOB_MESSAGE_{importance}",
                "messageText": text,
            }


def _error(status: int, text: str) -> tuple[int, Mapping[str, Any]]:
    return status, {"error": {"code": status, "message": text}}


@contextmanager
def running(service: Service) -> Iterator[Service]:
    """Serves on a free port of this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            status, content = service.answer(self.command, self.path, body)
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None:
            """Keeps the tests' output quiet."""

    with serving(Handler) as service.port:
        yield service
