"""A process whose sockets reach this machine only, and servers on it."""

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class LeftTheMachine(AssertionError):
    """A test reached for the network."""


@contextmanager
def loopback_only() -> Iterator[None]:
    """Refuses connections to other machines, and asking for their addresses."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            original = getattr(socket.socket, name)
            patch.setattr(socket.socket, name, _guarded(original))
        lookup = socket.getaddrinfo

        def look_up(host: Any, *others: Any, **named: Any) -> Any:
            _check(host)
            return lookup(host, *others, **named)

        patch.setattr(socket, "getaddrinfo", look_up)
        yield


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Runs a web server on a free port while the block runs; gives the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _guarded(original: Any) -> Any:
    def call(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0])
        return original(self, address)

    return call


def _check(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return
    try:
        inside = ipaddress.ip_address(name).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise LeftTheMachine(f"reached for {name}")
