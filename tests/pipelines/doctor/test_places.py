"""Places are looked at without a trace; what may not be done there is wrong."""

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.doctor.places import check_place
from pipelines.files import local_access, local_writing
from tests.doubles import gcs

ALL = ["list", "get", "create", "delete"]


def test_a_folder_of_photos_is_listed_and_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    for place in (tmp_path, tmp_path / "a.jpg", tmp_path / "*.jpg"):
        found = check_place("input", str(place), write=False)
        assert (found.level, found.detail) == ("ok", f"{place}: list, read")


def test_an_input_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    found = check_place("input", str(tmp_path / "none"), write=False)
    assert found.level == "wrong"
    assert found.cure == "check the path"


def test_a_photo_that_cannot_be_read_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    monkeypatch.setattr(local_access.os, "access", lambda path, mode: False)
    found = check_place("input", str(tmp_path), write=False)
    assert (found.level, "no right to read" in found.detail) == ("wrong", True)


def test_an_output_leaves_nothing_also_where_it_is_not_there_yet(
    tmp_path: Path,
) -> None:
    out = tmp_path / "new" / "out"
    found = check_place("output", str(out), write=True)
    assert found.level == "ok"
    assert "create once" in found.detail
    assert "GiB free" in found.detail
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = check_place("output", str(tmp_path / "file" / "out"), write=True)
    assert found.level == "wrong"


def test_a_disk_where_both_writers_win_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overwrite(uri: str, data: bytes, **_: bool) -> bool:
        Path(uri).write_bytes(data)
        return True

    monkeypatch.setattr(local_writing, "create_once", overwrite)
    found = check_place("output", str(tmp_path), write=True)
    assert found.level == "wrong"
    assert "create once" in found.detail
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("free", "level"), [(2**40, "ok"), (2**30, "warning"), (2**20, "wrong")]
)
def test_an_output_needs_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    assert check_place("output", str(tmp_path), write=True).level == level


class _Bucket(http.server.BaseHTTPRequestHandler):
    """A store that lists one object and knows the rights of who asks."""

    granted: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    def do_GET(self) -> None:
        type(self).asked = (*self.asked, self.path)
        answer: dict[str, object] = {"kind": "storage#objects", "items": []}
        if "/iam/testPermissions" in self.path:
            rights = [f"storage.objects.{right}" for right in self.granted]
            answer = {"permissions": [r for r in rights if r in self.path]}
        body = json.dumps(answer).encode()
        self.send_response(404 if "/missing/" in self.path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Bucket]]:
    kind = type("Store", (_Bucket,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gcs.use(f"http://127.0.0.1:{server.server_port}", monkeypatch)
    yield kind
    monkeypatch.undo()
    gcs.forget()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("granted", "write", "level", "says"),
    [
        (ALL, True, "ok", "list, read, create once, remove"),
        (ALL[:2], False, "ok", "list, read"),
        (ALL[:2], True, "wrong", "no right to create and remove"),
        (ALL[:1], False, "wrong", "no right to read"),
    ],
)
def test_a_bucket_says_what_may_be_done(
    store: type[_Bucket], granted: list[str], write: bool, level: str, says: str
) -> None:
    store.granted = tuple(granted)
    found = check_place("place", "gs://photos/2026", write=write)
    assert found.level == level
    assert says in found.detail
    assert ("roles/storage.object" in found.cure) == (level == "wrong")
    assert len(store.asked) == 2  # a listing and the question, nothing written


def test_a_missing_bucket_is_wrong(store: type[_Bucket]) -> None:
    found = check_place("output", "gs://missing/out", write=True)
    assert found.level == "wrong"
    assert "nothing there" in found.detail


def test_a_store_that_does_not_know_is_a_warning(bucket: gcs.Bucket) -> None:
    found = check_place("output", bucket.uri("out"), write=True)
    assert found.level == "warning"
    assert bucket.names() == []
