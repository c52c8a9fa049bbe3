"""The jars of the small cluster: fetched once by Maven, whole or not at all."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from pipelines.faults import SystemicFault

_POM: Final = Path(__file__).with_name("pom.xml")
_MAVEN_SECONDS: Final = 900
_JAVA_VERSIONS: Final = range(11, 22)


def fetch(folder: Path) -> None:
    """Fills a folder with the jars, unless it has some.

    Args:
        folder: Appears with its last jar, so that a killed download leaves none.

    Raises:
        SystemicFault: Maven is missing, or fails.
    """
    if any(folder.glob("*.jar")):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".jars-") as scratch:
        whole = Path(scratch) / "lib"
        _run_maven(whole)
        if folder.is_dir():  # empty, or another start has just filled it
            if any(folder.glob("*.jar")):
                return
            folder.rmdir()
        whole.rename(folder)


def _run_maven(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise SystemicFault(
            "mvn: got no such program, expected Maven to fetch Flink's jars; install "
            "it (apt install maven), or pass --jars with a folder that has them"
        )
    command = [
        *(maven, "--quiet", "--batch-mode", "--file", os.fspath(_POM)),
        *("dependency:copy-dependencies", "-DincludeScope=runtime"),
        f"-DoutputDirectory={folder}",
    ]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_MAVEN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SystemicFault(
            f"mvn: got no end within {_MAVEN_SECONDS} s, expected Flink's jars; look "
            "at the network, and start again"
        ) from error
    if done.returncode or not any(folder.glob("*.jar")):
        raise SystemicFault(
            f"mvn: got exit code {done.returncode} ({_first_error(done.stdout)}), "
            "expected Flink's jars; look at the network and Maven's settings, and "
            "start again"
        )


def _first_error(output: str) -> str:
    """Returns the first line that says what failed."""
    bare = re.sub(r"\x1b\[[0-9;]*m", "", output)
    lines = [line.strip() for line in bare.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("[ERROR]")] or lines
    return errors[0].removeprefix("[ERROR]").strip()[:300] if errors else "no output"


def find_java() -> str:
    """Returns the program `java`: of `JAVA_HOME`, else of the path.

    Raises:
        SystemicFault: There is none, or its version is not one of Flink's.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=os.path.join(home, "bin")) if home else None  # noqa: PTH118 - a search path, not a path
    java = java or shutil.which("java")
    if java is None:
        raise SystemicFault(
            "java: got no such program, expected Java 11 or 17 for Flink; install it "
            "(apt install openjdk-17-jre-headless)"
        )
    version = java_version(java)
    if version not in _JAVA_VERSIONS:
        raise SystemicFault(
            f"{java}: got Java {version or 'of an unknown version'}, expected 11 or "
            "17, which Flink supports; set JAVA_HOME to one"
        )
    return java


def java_version(java: str) -> int | None:
    """Returns the major version of a `java`; None where it does not say."""
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)(?:\.(\d+))?', done.stderr + done.stdout)
    if found is None:
        return None
    old_style = found[1] == "1" and found[2]  # "1.8" is Java 8
    return int(found[2] if old_style else found[1])
