"""Every command and key on the page about nights is one that there is."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.nightly import config
from pipelines.nightly.command import NightlyCommand
from pipelines.nightly.job import SCORE_KEYS, Job
from pipelines.score.config import DiscardConfig, ScoreConfig
from pipelines.score.gate_settings import GateSettings
from tests.runs import score_runs

PAGE = (Path(__file__).resolve().parents[2] / "docs/nightly.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, flags=re.MULTILINE))
COMMANDS = [
    shlex.split(line) for line in re.findall(r"^    (fcn .*)$", PAGE, re.MULTILINE)
]


def _shown(value: Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


@pytest.mark.parametrize("key", GateSettings.model_fields)
def test_a_gate_is_described_with_its_default(key: str) -> None:
    assert ROWS[key] == _shown(GateSettings.model_fields[key].default)


@pytest.mark.parametrize("key", ["look_back", "canaries", "beam"])
def test_a_key_is_described_with_its_default(key: str) -> None:
    field = Job.model_fields[key]
    assert ROWS[key] == _shown(field.get_default(call_default_factory=True))


def test_the_other_keys_are_described() -> None:
    assert ROWS["run_date"] == "`yesterday`"
    assert ROWS["timezone"] == _shown(ScoreConfig.model_fields["timezone"].default)
    known = {*Job.known_keys, *GateSettings.model_fields}
    assert set(ROWS) <= known
    assert [key for key in known if f"`{key}`" not in PAGE] == []
    assert set(SCORE_KEYS) <= known


def test_the_example_is_a_file() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    first, second = config.parse(text, file="docs").jobs
    assert (first.gates.max_psi, second.gates.min_input) == (0.3, None)
    assert yaml.safe_load(text)["jobs"][1]["input"] == list(second.input)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_is_understood(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words[1] == "discard":
        DiscardConfig.parse(words[2:])
        return
    monkeypatch.chdir(tmp_path)
    place = words.index("--config")
    NightlyCommand.parse([*words[2:place], *words[place + 2 :]])
    if "--init" in words or "--print_config" in words:
        if "--print_config" in words:
            Path("nightly.yaml").write_text("input: a\noutput: b\n")
        ended = score_runs.fcn(*words[1:])
        assert ended.code == 0, ended.stderr
        assert Path("nightly.yaml").exists()


def test_the_commands_are_found() -> None:
    assert len(COMMANDS) == 9
