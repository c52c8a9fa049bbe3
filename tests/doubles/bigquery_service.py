"""BigQuery's REST interface on this machine: makes tables, runs load jobs.

A partition is the rows of the Parquet file that was loaded into it last; conditions
that the real service has are checked, such as that the file's dates are the
partition's.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.doubles.loopback import serving

_ROOT = r"(?:/upload)?/bigquery/v2/projects/(?P<project>[^/]+)"
_JOBS = re.compile(rf"{_ROOT}/jobs(?:/(?P<id>[^/?]+))?(?:\?.*)?")
_TABLES = re.compile(
    rf"{_ROOT}/datasets/(?P<dataset>[^/]+)/tables(?:/(?P<id>[^/?]+))?(?:\?.*)?"
)


@dataclass
class Service:
    """What the service holds, and what it was asked.

    Attributes:
        tables: Table -> its resource.
        partitions: `table$date` -> its rows.
        jobs: Configurations of the load jobs.
        refusal: Status and text of the answer to a new job, where it is refused.
    """

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    partitions: dict[str, pa.Table] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    refusal: tuple[int, str] | None = None
    port: int = 0
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: dict[str, Any] = field(default_factory=dict)

    def post(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if _TABLES.fullmatch(path):
            resource = json.loads(body)
            name = resource["tableReference"]["tableId"]
            if name in self.tables:
                return _error(409, "Already Exists")
            self.tables[name] = resource
            return 200, resource
        if self.refusal is not None:
            return _error(*self.refusal)
        assert _JOBS.fullmatch(path) and "uploadType=resumable" in path, path
        self.waiting = json.loads(body)
        return 200, {}

    def get(self, path: str) -> dict[str, Any]:
        if found := _JOBS.fullmatch(path):
            return self.done[found["id"]]
        found = _TABLES.fullmatch(path)
        assert found is not None, path
        return self.tables[found["id"]]

    def put(self, data: bytes) -> tuple[int, dict[str, Any]]:
        return 200, self._load(self.waiting, data)

    def _load(self, resource: dict[str, Any], data: bytes) -> dict[str, Any]:
        load = resource["configuration"]["load"]
        self.jobs.append(load)
        target = load["destinationTable"]["tableId"]
        name, _, date = target.partition("$")
        rows = pq.read_table(io.BytesIO(data))
        column = self.tables[name]["timePartitioning"]["field"]
        dates = {f"{day:%Y%m%d}" for day in rows[column].to_pylist()}
        assert dates <= {date}, "rows of another partition are refused"
        assert load["writeDisposition"] == "WRITE_TRUNCATE"
        self.partitions[target] = rows
        done = {
            **resource,
            "status": {"state": "DONE"},
            "statistics": {"load": {"outputRows": str(rows.num_rows)}},
        }
        self.done[resource["jobReference"]["jobId"]] = done
        return done


def _error(code: int, text: str) -> tuple[int, dict[str, Any]]:
    return code, {"error": {"code": code, "message": text, "errors": []}}


@contextmanager
def service() -> Iterator[Service]:
    """Runs the service while the block runs."""
    state = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(*state.post(self.path, body))

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            whole = f"bytes 0-{len(body) - 1}/{len(body)}"
            assert self.headers["Content-Range"] == whole
            self._answer(*state.put(body))

        def do_GET(self) -> None:
            self._answer(200, state.get(self.path))

        def _answer(self, code: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Location", f"http://{self.headers['Host']}/upload/1")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the log of a test its own."""

    with serving(Handler) as state.port:
        yield state
