"""Removing: at once for everybody, and what a kill leaves passes for nothing."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with something in it."""
    (tmp_path / "parts" / "deep").mkdir(parents=True)
    (tmp_path / "parts" / "deep" / "part").write_bytes(b"rows")
    return tmp_path / "parts"


class Killed(BaseException):
    """The process ends here: nothing after this line happens."""


def _killed(*_: object, **__: object) -> None:
    raise Killed


def test_a_folder_is_gone_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "rmtree", _killed)
    with pytest.raises(Killed):
        files.remove_folder(files.to_uri(folder))
    monkeypatch.undo()
    assert not folder.exists()
    assert files.list_names(files.to_uri(folder.parent)) == []
    (left,) = files.find_temporaries(files.to_uri(folder.parent))
    assert Path(left, "deep", "part").exists()
    files.remove_temporaries(files.to_uri(folder.parent))
    assert list(folder.parent.iterdir()) == []


def test_a_folder_that_is_gone_already_is_fine(folder: Path) -> None:
    for _ in range(2):
        files.remove_folder(files.to_uri(folder))
    assert list(folder.parent.iterdir()) == []


def _kept(uri: str) -> str:
    """Returns a file that stays, three folders above."""
    return files.join(uri.rsplit("/", 3)[0], "kept")


LATE: dict[str, Callable[[str], object]] = {
    "create_once": lambda uri: files.create_once(uri, b"late", parents=False),
    "write_atomically": lambda uri: files.write_atomically(uri, b"late", parents=False),
    "make_last_folder": files.make_last_folder,
    "move": lambda uri: files.move(_kept(uri), uri, parents=False),
}


@pytest.mark.parametrize("name", LATE)
def test_a_late_writer_does_not_make_it_again(folder: Path, name: str) -> None:
    (folder.parent / "kept").write_bytes(b"kept")
    late = files.to_uri(folder / "deep" / "late")
    files.remove_folder(files.to_uri(folder))
    with pytest.raises(FileNotFoundError):
        LATE[name](late)
    assert [path.name for path in folder.parent.iterdir()] == ["kept"]


def test_beside_a_writer_nothing_is_left(folder: Path) -> None:
    """Without the new name first, a file of the writer would keep the folder."""
    ended, started = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        try:
            while True:
                uri = files.to_uri(folder / "deep" / f"late-{number}")
                files.create_once(uri, b"late", durable=False, parents=False)
                number += 1
                started.set()
        except FileNotFoundError:
            ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    started.wait(timeout=20)
    files.remove_folder(files.to_uri(folder))
    assert not folder.exists()
    writer.join(timeout=20)
    assert ended.is_set()
    assert not folder.exists()


def test_temporaries_are_found_in_a_folder_or_also_below_it(tmp_path: Path) -> None:
    for name in (
        ".a.0123456789abcdef.tmp",
        "deep/.b.0123456789abcdef.tmp",
        "deep/kept",
        ".others.tmp",
        ".c.0123456789abcdef.tmp/inside",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    uri = files.to_uri(tmp_path)

    def found(*, below: bool) -> set[str]:
        temporaries = files.find_temporaries(uri, below=below)
        return {name.removeprefix(f"{uri}/") for name in temporaries}

    assert found(below=False) == {".a.0123456789abcdef.tmp", ".c.0123456789abcdef.tmp"}
    assert found(below=True) == {
        ".a.0123456789abcdef.tmp",
        ".c.0123456789abcdef.tmp",
        "deep/.b.0123456789abcdef.tmp",
    }
    files.remove_temporaries(uri, below=False)
    assert found(below=True) == {"deep/.b.0123456789abcdef.tmp"}
    files.remove_temporaries(uri)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["kept"]
