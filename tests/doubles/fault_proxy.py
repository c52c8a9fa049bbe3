"""A proxy that stands before a store and does what networks and stores do at times.

A fault is chosen for each request by a seeded generator, so a failing test can be run
again. The kinds:

before      503, and the request has no effect
after       503, but it had its effect
lost        the effect, then the connection breaks before the answer
reset       the connection breaks before anything is done
stall       no answer for longer than the client waits
truncated   half of the answer's body, then the end
flipped     a byte of the answer's body is another one

Besides, `denied` may say which requests are refused for want of a right (403).
"""

import contextlib
import http.client
import random
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STALL_SECONDS = 3.0
_BODY = ("truncated", "flipped")


class Proxy(ThreadingHTTPServer):
    """The proxy.

    Args:
        target: Address of the store.
        faults: Kind -> share of the requests.
        latency: Seconds that every request takes longer.
        seed: Of the choice.

    Attributes:
        seen: Number of requests of each kind, `ok` included.
        denied: Whether a request, by its method and path, is refused.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        target: str,
        *,
        faults: Mapping[str, float] | None = None,
        latency: float = 0.0,
        seed: int = 1,
    ):
        self.target = urllib.parse.urlsplit(target).netloc
        self.faults, self.latency = dict(faults or {}), latency
        self.denied: Callable[[str, str], bool] = lambda *_: False
        self.seen: Counter[str] = Counter()
        self._random, self._lock = random.Random(seed), threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def choose(self, method: str, path: str) -> str:
        """Returns the fault of the next request."""
        is_download = method == "GET" and path.startswith("/download/")
        with self._lock:
            drawn = self._random.random()
            kind = "ok"
            for name, share in self.faults.items():
                if drawn < share:
                    kind = name
                    break
                drawn -= share
            if kind in _BODY and not is_download:
                kind = "ok"
            self.seen[kind] += 1
        return kind


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms more
    server: Proxy

    def log_message(self, *_: object) -> None:
        return

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.server.target, timeout=60)

    def finish(self) -> None:
        self._upstream.close()
        with contextlib.suppress(OSError):
            super().finish()

    def _handle(self) -> None:
        body = self._read_body()
        if self.server.denied(self.command, self.path):
            return self._answer(403, {}, b"no right")
        kind = self.server.choose(self.command, self.path)
        time.sleep(self.server.latency)
        if kind == "stall":
            time.sleep(STALL_SECONDS)
            self.close_connection = True
        elif kind == "reset":
            self._break()
        elif kind == "before":
            self._answer(503, {}, b"busy")
        else:
            self._pass_on(kind, body)
        return None

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _pass_on(self, kind: str, body: bytes) -> None:
        skipped = ("transfer-encoding", "connection", "content-length")
        headers = {k: v for k, v in self.headers.items() if k.lower() not in skipped}
        headers["Content-Length"] = str(len(body))
        self._upstream.request(self.command, self.path, body, headers)
        response = self._upstream.getresponse()
        data = response.read()
        if kind == "lost":
            return self._break()
        if kind == "after":
            return self._answer(503, {}, b"busy")
        kept = {k: v for k, v in response.getheaders() if k.lower() not in skipped}
        if kind == "flipped" and data:
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        self._answer(response.status, kept, data, half=kind == "truncated")
        return None

    def _answer(
        self,
        status: int,
        headers: Mapping[str, str],
        data: bytes,
        *,
        half: bool = False,
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if half else data)
        if half:
            self._break()

    def _break(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _handle  # noqa: N815


@contextlib.contextmanager
def proxy(
    target: str,
    *,
    faults: Mapping[str, float] | None = None,
    latency: float = 0.0,
    seed: int = 1,
) -> Iterator[Proxy]:
    """Runs a proxy before a store."""
    server = Proxy(target, faults=faults, latency=latency, seed=seed)
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
