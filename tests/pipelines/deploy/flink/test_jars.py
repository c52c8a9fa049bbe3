"""Fetching Flink's jars: whole or not at all, and why not in one line."""

from pathlib import Path

import pytest

from pipelines.deploy.flink import jars
from pipelines.faults import SystemicFault

FETCHES = """#!/bin/sh
for word in "$@"; do
  case "$word" in -DoutputDirectory=*) folder="${word#*=}" ;; esac
done
mkdir -p "$folder" && touch "$folder/flink.jar" && echo x >> "$(dirname "$0")/calls"
"""
FAILS = """#!/bin/sh
echo "[INFO] scanning"; echo "[ERROR] Could not resolve org.example:flink:1"
echo "[ERROR] more"; exit 1
"""


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that come first on the path."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def test_the_jars_are_fetched_once(programs: Path, tmp_path: Path) -> None:
    program(programs, "mvn", FETCHES)
    lib = tmp_path / "new" / "lib"
    jars.fetch(lib)
    jars.fetch(lib)
    assert [path.name for path in lib.iterdir()] == ["flink.jar"]
    assert [path.name for path in lib.parent.iterdir()] == ["lib"]
    assert (programs / "calls").read_text() == "x\n"


def test_an_empty_folder_is_filled(programs: Path, tmp_path: Path) -> None:
    program(programs, "mvn", FETCHES)
    (tmp_path / "lib").mkdir()
    jars.fetch(tmp_path / "lib")
    assert (tmp_path / "lib" / "flink.jar").exists()


def test_maven_fails(programs: Path, tmp_path: Path) -> None:
    program(programs, "mvn", FAILS)
    with pytest.raises(SystemicFault) as raised:
        jars.fetch(tmp_path / "lib")
    text = str(raised.value)
    assert "exit code 1 (Could not resolve org.example:flink:1)" in text
    assert "\n" not in text
    assert not (tmp_path / "lib").exists()


def test_maven_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemicFault, match="expected Maven"):
        jars.fetch(tmp_path / "lib")


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("nothing of the kind", None),
    ],
)
def test_the_version_of_java(programs: Path, printed: str, version: int | None) -> None:
    program(programs, "java", f"#!/bin/sh\necho '{printed}' >&2\n")
    assert jars.java_version(str(programs / "java")) == version
    if version in (17, 21):
        assert jars.find_java() == str(programs / "java")
    else:
        with pytest.raises(SystemicFault, match="expected 11 or 17"):
            jars.find_java()


def test_java_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SystemicFault, match="expected Java 11 or 17"):
        jars.find_java()


def test_java_home_comes_first(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n"
    program(programs, "java", "#!/bin/sh\n")
    (tmp_path / "home").mkdir()
    program(tmp_path / "home" / "bin", "java", java)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert jars.find_java() == str(tmp_path / "home" / "bin" / "java")
