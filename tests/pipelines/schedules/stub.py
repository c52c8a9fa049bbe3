"""A stand-in for `fcn` that records its arguments, and schedules that call it."""

import json
import os
import stat
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from pipelines.schedules import write
from pipelines.schedules.config import ScheduleConfig

ODD = "50% of $HOME `x` 'my' & \"o\" $$ é;#"
"""A folder's name with what shells, cron and systemd have marks for."""


class Stub:
    """A program that writes its arguments and working folder to a file."""

    def __init__(self, folder: Path, *, code: int = 0):
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self._record = folder / "fcn", folder / "called.json"
        self.path.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys\n"
            f"with open({os.fspath(self._record)!r}, 'w') as file:\n"
            "    json.dump([sys.argv[1:], os.getcwd(), dict(os.environ)], file)\n"
            "print('a line of the log')\n"
            f"sys.exit({code})\n"
        )
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def called(self) -> tuple[list[str], str]:
        """Returns the arguments and the working folder of its last call."""
        arguments, folder, _ = json.loads(self._record.read_text())
        return arguments, folder


def configured(home: Path, kind: str, /, **fields: object) -> ScheduleConfig:
    """Returns settings of a schedule whose configuration is in a folder."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "nightly.yaml"
    config.write_text("input: photos\n")
    values = {"kind": kind, "output": str(home / "out"), "timezone": "Europe/Berlin"}
    return ScheduleConfig.model_validate(
        values | {"nightly_config": str(config)} | fields
    )


def rendered(home: Path, kind: str, /, **fields: object) -> dict[str, str]:
    """Returns the files of such a schedule."""
    return write.render(configured(home, kind, **fields))


def python_with(requirement: str, folder: Path, *, variable: str) -> str:
    """Returns a Python that has a package which does not fit beside ours.

    Args:
        requirement: What is installed into an environment of its own.
        folder: Of that environment.
        variable: Names a Python in the environment that has it already.
    """
    if found := os.environ.get(variable):
        return found
    venv.create(folder, with_pip=True)
    python = os.fspath(folder / "bin/python")
    words = [python, "-m", "pip", "install", "--quiet", requirement]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1]
        pytest.skip(f"{requirement} is not to be had here: {why}")
    return python


def run_clean(
    words: list[str], *, folder: Path | str = "/", environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs a command with no environment but the given one, as schedulers do."""
    return subprocess.run(
        words,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
