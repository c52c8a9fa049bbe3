"""Importing Beam says nothing, whatever is not installed beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("first", ["", "import sys; sys.modules['apitools'] = None\n"])
def test_importing_beam_is_silent_and_other_warnings_are_not(first: str) -> None:
    code = f"{first}from pipelines.runners import graph\nimport logging\n"
    code += "logging.warning('a warning')"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stderr == "WARNING:root:a warning\n"
