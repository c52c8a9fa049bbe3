"""`fcn schedule`: files and how to install them; nothing of a person is replaced."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.pipelines.schedules.test_values import CLOUD
from tests.runs.score_runs import fcn

KINDS: dict[str, list[str]] = {
    "systemd": ["--user", "photos"],
    "cron": ["--mail", "team@example.com"],
    "airflow": [],
    "kubernetes": ["--image", "registry.example/fcn:1.0", "--claim", "photos"],
    "cloud-scheduler": [w for k, v in CLOUD.items() for w in (f"--{k}", v)],
}


def _words(kind: str, folder: Path) -> list[str]:
    config = folder / "nightly.yaml"
    config.write_text("input: photos\n")
    own = [] if kind == "cloud-scheduler" else ["--nightly_config", str(config)]
    return ["schedule", kind, "-o", str(folder / "out"), *own, *KINDS[kind]]


@pytest.mark.parametrize("kind", KINDS)
def test_writes_the_files_and_says_which(kind: str, tmp_path: Path) -> None:
    ended = fcn(*_words(kind, tmp_path))
    assert ended.code == 0, ended.stderr
    written = sorted(map(Path, ended.stdout.splitlines()))
    assert written == sorted((tmp_path / "out").iterdir())
    assert tmp_path / "out/README.md" in written
    before = {path: path.read_bytes() for path in written}
    again = fcn(*_words(kind, tmp_path), "--json")
    assert sorted(map(Path, json.loads(again.stdout)["files"])) == written
    assert {path: path.read_bytes() for path in written} == before


@pytest.mark.parametrize("kind", KINDS)
def test_the_commands_of_its_readme_are_commands(kind: str, tmp_path: Path) -> None:
    assert fcn(*_words(kind, tmp_path)).code == 0
    text = (tmp_path / "out/README.md").read_text()
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        done = subprocess.run(
            ["bash", "-n"], input=block, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
    assert "{{" not in text
    assert not re.search(r"\n\n\n", text)
    calls = re.findall(r"^\S*fcn nightly.*", text, flags=re.MULTILINE)
    assert len(calls) == 1  # it is the whole of what a schedule calls


def test_a_file_that_was_edited_stays(tmp_path: Path) -> None:
    words = _words("systemd", tmp_path)
    assert fcn(*words).code == 0
    edited = tmp_path / "out/fcn-nightly.service"
    edited.write_text("mine")
    refused = fcn(*words)
    assert refused.code == 2
    assert "got another file" in refused.stderr
    assert edited.read_text() == "mine"
    assert fcn(*words, "--replace").code == 0
    assert edited.read_text() != "mine"


def test_an_unknown_kind_is_refused_in_one_line() -> None:
    ended = fcn("schedule", "launchd", "-o", "x", "--nightly_config", "n.yaml")
    assert ended.code == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "'cloud-scheduler'" in ended.stderr
