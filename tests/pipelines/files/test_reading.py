"""Reading files: exactly what was planned, and a reason for what cannot be read."""

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fcn_core.bad_image import BadImage
from pipelines import files
from pipelines.faults import SystemicFault


def refused(
    uri: str, *, root: str | None = None, version: str | None = None
) -> BadImage:
    with pytest.raises(BadImage) as caught:
        files.read_photo(uri, version=version or files.version(uri), root=root)
    assert caught.value.stage == "read"
    return caught.value


def test_reading_what_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"x")
    version = files.version(files.to_uri(path))
    path.unlink()
    assert refused(files.to_uri(path), version=version).reason == "vanished"
    assert refused(files.to_uri(tmp_path / "never" / "x.jpg")).reason == "vanished"


def test_reading_below_what_is_no_folder_any_more(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"now a file")
    assert refused(files.to_uri(tmp_path / "folder" / "x.jpg")).reason == "vanished"


def test_reading_a_pipe_does_not_wait_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    assert refused(files.to_uri(tmp_path / "x.jpg")).reason == "not-a-regular-file"


def test_reading_a_folder_named_like_a_photo(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        assert refused(files.to_uri(tmp_path / "x.jpg")).reason == "not-a-regular-file"
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_reading_a_device(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").symlink_to("/dev/zero")
    assert refused(files.to_uri(tmp_path / "x.jpg")).reason == "not-a-regular-file"


def test_a_link_out_of_the_folder_is_refused_and_one_inside_followed(
    tmp_path: Path,
) -> None:
    root, outside = tmp_path / "photos", tmp_path / "photos-of-others"
    root.mkdir()
    outside.mkdir()
    (root / "real.jpg").write_bytes(b"mine")
    (outside / "secret.jpg").write_bytes(b"theirs")
    (root / "inside.jpg").symlink_to("real.jpg")
    (root / "outside.jpg").symlink_to(outside / "secret.jpg")

    def read(name: str, root_uri: str | None) -> bytes:
        uri = files.to_uri(root / name)
        return files.read_photo(uri, version=files.version(uri), root=root_uri)

    assert read("inside.jpg", files.to_uri(root)) == b"mine"
    assert read("outside.jpg", None) == b"theirs"  # a manifest may name anything
    out = refused(files.to_uri(root / "outside.jpg"), root=files.to_uri(root))
    assert out.reason == "outside-root"
    assert "secret" not in out.detail


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(b"a")
    (tmp_path / "real" / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "root").symlink_to("real")
    uri = files.to_uri(tmp_path / "root" / "b.jpg")
    root = files.to_uri(tmp_path / "root")
    assert files.read_photo(uri, version=files.version(uri), root=root) == b"a"


def test_a_loop_of_links_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("b.jpg")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    assert refused(files.to_uri(tmp_path / "a.jpg")).reason == "io-error"


def test_a_dangling_link_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("nowhere")
    assert refused(files.to_uri(tmp_path / "a.jpg")).reason == "vanished"


def test_another_content_than_planned_is_never_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"planned")
    version = files.version(files.to_uri(path))
    assert files.read_photo(files.to_uri(path), version=version) == b"planned"
    path.write_bytes(b"longer than planned")
    assert (
        refused(files.to_uri(path), version=version).reason == "changed-while-reading"
    )
    path.write_bytes(b"PLANNED")
    os.utime(path, ns=(1, 1))
    assert (
        refused(files.to_uri(path), version=version).reason == "changed-while-reading"
    )


@pytest.mark.parametrize("name", ["nul\0byte.jpg", "n" * 300 + ".jpg"])
def test_a_name_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    assert refused(f"{tmp_path}/{name}").reason == "bad-name"


def test_a_huge_file_is_read_up_to_its_limit_only(tmp_path: Path) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(50 << 30)
    data = files.read_photo(
        files.to_uri(path), version=files.version(files.to_uri(path))
    )
    assert len(data) == (64 << 20) + 1


@pytest.mark.parametrize("piece", [1, 7, 4096, 131_072])
def test_a_file_that_is_read_in_pieces_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """As file systems over a network or in user space may answer."""
    path = tmp_path / "photo.jpg"
    uri, read = files.to_uri(path), os.read
    monkeypatch.setattr(os, "read", lambda fd, length: read(fd, min(length, piece)))
    for size in (0, 1, piece - 1, piece, piece + 1, 5 * piece, 5 * piece + 1):
        data = bytes(range(256)) * (size // 256) + bytes(size % 256)
        path.write_bytes(data)
        version = files.version(uri)
        assert files.read_photo(uri, version=version) == data, size


def test_too_many_open_files_is_systemic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.jpg").write_bytes(b"x")
    version = files.version(files.to_uri(tmp_path / "x.jpg"))

    def no_descriptor(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", no_descriptor)
    with pytest.raises(SystemicFault, match="Too many open files"):
        files.read_photo(files.to_uri(tmp_path / "x.jpg"), version=version)


READ_AS_NOBODY = """
import os, sys
from fcn_core.bad_image import BadImage
from pipelines import files
from pipelines.faults import UsageError
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    files.read_photo(sys.argv[1], version="any")
except BadImage as bad:
    print(bad.reason)
try:
    files.check_writable(sys.argv[2])
except UsageError as error:
    print(error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach; pytest's own are for us only."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_without_the_right_to_read_or_write(open_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user, whom modes forbid to read")
    photo = open_folder / "x.jpg"
    photo.write_bytes(b"x")
    photo.chmod(0o000)
    arguments = [os.fspath(photo), os.fspath(open_folder / "out")]
    lines = subprocess.run(
        [sys.executable, "-c", READ_AS_NOBODY, *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert lines[0] == "permission-denied"
    assert "got permission denied" in lines[1]
    assert len(lines) == 2


def test_walking_enters_no_hidden_linked_or_left_out_folder(tmp_path: Path) -> None:
    for name in ("a", "a/b", ".git", "out", "outer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    found = set(
        files.walk(
            files.to_uri(tmp_path),
            survey=files.Survey(frozenset([os.fspath(tmp_path / "out")])),
        )
    )
    names = ["a/x.jpg", "a/b/x.jpg", "a/loop", "outer/x.jpg"]
    assert found == {files.to_uri(tmp_path / name) for name in names}


def test_listing_names_leaves_temporary_files_out(tmp_path: Path) -> None:
    for name in ("b", "a", ".a.123.tmp"):
        (tmp_path / name).touch()
    assert files.list_names(files.to_uri(tmp_path)) == ["a", "b"]
    assert files.list_names(files.to_uri(tmp_path / "nowhere")) == []
