"""What is checked before a commit is what `make lint` checks, with the same tools."""

import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def _hooks() -> list[dict[str, Any]]:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    return config["repos"][0]["hooks"]


def test_hooks_run_the_commands_of_make_lint() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.dev", "--directory", ROOT, "lint"],
        capture_output=True,
        text=True,
        check=True,
    )
    commands = [line for line in done.stdout.splitlines() if line.startswith(".venv/")]
    assert commands
    assert [hook["entry"] for hook in _hooks()] == commands


def test_hooks_need_no_network() -> None:
    for hook in _hooks():
        assert hook["language"] == "system"
        assert "additional_dependencies" not in hook
        assert not hook["pass_filenames"], "each command names what it checks"


@pytest.mark.parametrize("tool", ["ruff", "mypy", "pytest"])
def test_tools_have_the_versions_of_the_constraints(tool: str) -> None:
    constraints = (ROOT / "constraints.txt").read_text("utf-8")
    pinned = re.findall(rf"^{tool}==(\S+)$", constraints, flags=re.MULTILINE)
    assert pinned == [metadata.version(tool)]
