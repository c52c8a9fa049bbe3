"""Files: whole or not at all, created once, and a reason for what cannot be read."""

import errno
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fcn_core.bad_image import BadImage
from pipelines import files
from pipelines.faults import SystemicFault, UsageError

WRITERS = 16

Write = Callable[[str, bytes], object]


def uri_of(path: Path) -> str:
    return files.to_uri(path)


def everything_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def race(count: int, act: Callable[[int], object]) -> list[object]:
    """Returns what `count` threads got that acted at the same moment."""
    barrier = threading.Barrier(count)
    results: list[object] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        results[number] = act(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_many_threads_exactly_one_creates(tmp_path: Path) -> None:
    for attempt in range(5):
        uri = uri_of(tmp_path / f"new-{attempt}" / "file")

        def create(number: int, uri: str = uri) -> bool:
            return files.create_once(uri, b"%d" % number * 1000)

        won = race(WRITERS, create)
        assert won.count(True) == 1
        assert files.read_bytes(uri) == b"%d" % won.index(True) * 1000
        assert everything_in(tmp_path / f"new-{attempt}") == ["file"]


def create_in_process(
    uri: str, number: int, ready: "multiprocessing.synchronize.Barrier"
) -> None:
    ready.wait()
    sys.exit(0 if files.create_once(uri, b"%d" % number) else 1)


def test_of_many_processes_exactly_one_creates(tmp_path: Path) -> None:
    uri = uri_of(tmp_path / "file")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ready = context.Barrier(WRITERS)
    writers = [
        context.Process(target=create_in_process, args=(uri, number, ready))
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    codes = [writer.exitcode for writer in writers]
    assert sorted(codes, key=str) == [0] + [1] * (WRITERS - 1)
    assert files.read_bytes(uri) == b"%d" % codes.index(0)
    assert everything_in(tmp_path) == ["file"]


def test_the_second_changes_nothing(tmp_path: Path) -> None:
    uri = uri_of(tmp_path / "file")
    assert files.create_once(uri, b"first")
    assert not files.create_once(uri, b"second")
    assert files.read_bytes(uri) == b"first"


def test_writing_replaces_whole(tmp_path: Path) -> None:
    uri = uri_of(tmp_path / "deep" / "file")
    files.write_atomically(uri, b"a" * 100)
    files.write_atomically(uri, b"b")
    assert files.read_bytes(uri) == b"b"
    assert everything_in(tmp_path / "deep") == ["file"]


def test_a_reader_beside_writers_sees_whole_files_only(tmp_path: Path) -> None:
    uri = uri_of(tmp_path / "file")
    wholes = {bytes([65 + n]) * 200_000 for n in range(4)}
    files.write_atomically(uri, min(wholes))
    seen = []

    def act(number: int) -> None:
        for _ in range(10):
            if number:
                files.write_atomically(uri, sorted(wholes)[number - 1])
            else:
                seen.append(files.read_bytes(uri))

    race(5, act)
    assert set(seen) <= wholes


@pytest.mark.parametrize("write", [files.create_once, files.write_atomically])
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(OSError, match="No space left"):
        write(uri_of(tmp_path / "file"), b"data")
    assert everything_in(tmp_path) == []


NAMES = [
    b"plain.jpg",
    b"with space.jpg",
    b"new\nline.jpg",
    b"100%.jpg",
    b"a#1.jpg",
    b"q?[x]*.jpg",
    "käse-猫-‮txt.jpg".encode(),
    b"caf\xe9.jpg",
    b"\xff\xfe\x80",
    b"back\\slash.jpg",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_uri_that_finds_it(tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(name)
    uri = files.to_uri(path)
    uri.encode("utf-8")  # it can be a column, a JSON string, a line
    assert files.to_path(uri) == path
    assert files.read_photo(uri, version=files.version(uri)) == name
    assert files.to_uri(uri) == uri
    assert list(files.walk(files.to_uri(tmp_path))) == [uri]


def test_a_text_name_is_its_own_uri(tmp_path: Path) -> None:
    assert files.to_uri(tmp_path / "käse.jpg") == os.fspath(tmp_path / "käse.jpg")


@pytest.mark.parametrize("uri", ["gs://bucket/photos", "s3://b/x", "https://x/y.jpg"])
@pytest.mark.parametrize("use", [files.to_path, files.to_uri, files.exists])
def test_another_store_is_one_line_and_no_local_folder(
    uri: str, use: Callable[[str], object]
) -> None:
    with pytest.raises(UsageError) as caught:
        use(uri)
    assert uri in str(caught.value)
    assert "\n" not in str(caught.value)


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
    version = files.version(uri_of(path))
    path.unlink()
    assert refused(uri_of(path), version=version).reason == "vanished"
    assert refused(uri_of(tmp_path / "never" / "x.jpg")).reason == "vanished"


def test_reading_below_what_is_no_folder_any_more(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"now a file")
    assert refused(uri_of(tmp_path / "folder" / "x.jpg")).reason == "vanished"


def test_reading_a_pipe_does_not_wait_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    assert refused(uri_of(tmp_path / "x.jpg")).reason == "not-a-regular-file"


def test_reading_a_folder_named_like_a_photo(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        assert refused(uri_of(tmp_path / "x.jpg")).reason == "not-a-regular-file"
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_reading_a_device(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").symlink_to("/dev/zero")
    assert refused(uri_of(tmp_path / "x.jpg")).reason == "not-a-regular-file"


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
        uri = uri_of(root / name)
        return files.read_photo(uri, version=files.version(uri), root=root_uri)

    assert read("inside.jpg", uri_of(root)) == b"mine"
    assert read("outside.jpg", None) == b"theirs"  # a manifest may name anything
    out = refused(uri_of(root / "outside.jpg"), root=uri_of(root))
    assert out.reason == "outside-root"
    assert "secret" not in out.detail


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(b"a")
    (tmp_path / "real" / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "root").symlink_to("real")
    uri = uri_of(tmp_path / "root" / "b.jpg")
    root = uri_of(tmp_path / "root")
    assert files.read_photo(uri, version=files.version(uri), root=root) == b"a"


def test_a_loop_of_links_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("b.jpg")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    assert refused(uri_of(tmp_path / "a.jpg")).reason == "io-error"


def test_a_dangling_link_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("nowhere")
    assert refused(uri_of(tmp_path / "a.jpg")).reason == "vanished"


def test_another_content_than_planned_is_never_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"planned")
    version = files.version(uri_of(path))
    assert files.read_photo(uri_of(path), version=version) == b"planned"
    path.write_bytes(b"longer than planned")
    assert refused(uri_of(path), version=version).reason == "changed-while-reading"
    path.write_bytes(b"PLANNED")
    os.utime(path, ns=(1, 1))
    assert refused(uri_of(path), version=version).reason == "changed-while-reading"


@pytest.mark.parametrize("name", ["nul\0byte.jpg", "n" * 300 + ".jpg"])
def test_a_name_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    assert refused(f"{tmp_path}/{name}").reason == "bad-name"


def test_a_huge_file_is_read_up_to_its_limit_only(tmp_path: Path) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(50 << 30)
    data = files.read_photo(uri_of(path), version=files.version(uri_of(path)))
    assert len(data) == (64 << 20) + 1


def test_too_many_open_files_is_systemic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.jpg").write_bytes(b"x")
    version = files.version(uri_of(tmp_path / "x.jpg"))

    def no_descriptor(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", no_descriptor)
    with pytest.raises(SystemicFault, match="Too many open files"):
        files.read_photo(uri_of(tmp_path / "x.jpg"), version=version)


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
    said = subprocess.run(
        [sys.executable, "-c", READ_AS_NOBODY, *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert said[0] == "permission-denied"
    assert "got permission denied" in said[1]
    assert len(said) == 2


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(UsageError, match="--output"):
        files.check_writable(uri_of(tmp_path / "out"))


def test_checking_an_output_leaves_an_empty_folder(tmp_path: Path) -> None:
    files.check_writable(uri_of(tmp_path / "a" / "b"))
    assert everything_in(tmp_path / "a" / "b") == []


def test_walking_enters_no_hidden_linked_or_left_out_folder(tmp_path: Path) -> None:
    for name in ("a", "a/b", ".git", "out", "outer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    found = set(files.walk(uri_of(tmp_path), leave_out=[os.fspath(tmp_path / "out")]))
    names = ["a/x.jpg", "a/b/x.jpg", "a/loop", "outer/x.jpg"]
    assert found == {uri_of(tmp_path / name) for name in names}


def test_listing_names_leaves_temporary_files_out(tmp_path: Path) -> None:
    for name in ("b", "a", ".a.123.tmp"):
        (tmp_path / name).touch()
    assert files.list_names(uri_of(tmp_path)) == ["a", "b"]
    assert files.list_names(uri_of(tmp_path / "nowhere")) == []
