"""The commands of docs/schedule.md and docs/estimate.md: run, or at least read."""

import re
import shlex
from pathlib import Path

import pytest

from pipelines.estimate.config import EstimateConfig
from pipelines.estimate.prices import Prices
from pipelines.schedules.config import ScheduleConfig
from tests.runs.score_runs import fcn

ROOT = Path(__file__).resolve().parents[2]


def _commands(page: str) -> list[list[str]]:
    text = (ROOT / "docs" / page).read_text("utf-8")
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for b in blocks for line in b.replace("\\\n", " ").splitlines()]
    return [words for words in map(shlex.split, lines) if words[:1] == ["fcn"]]


@pytest.mark.parametrize("words", _commands("schedule.md"), ids=lambda words: words[2])
def test_schedules_are_written(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = fcn(*words[1:])
    assert ended.code == 0, ended.stderr
    assert (tmp_path / "schedule/README.md").exists()


def test_every_scheduler_has_its_command() -> None:
    kinds = {words[2] for words in _commands("schedule.md")}
    text = str(ScheduleConfig.model_fields["kind"].annotation)
    assert kinds == set(re.findall(r"'([a-z-]+)'", text))


def test_every_flag_is_in_the_table() -> None:
    text = (ROOT / "docs/schedule.md").read_text("utf-8")
    general = {"-h", "--help", "--json", "--config", "--output", "--log_format"}
    ours = set(ScheduleConfig.flags()) - general
    assert {flag for flag in ours if f"`{flag}`" not in text} == set()


@pytest.mark.parametrize("words", _commands("estimate.md"))
def test_estimates_are_read(words: list[str]) -> None:
    config, left = EstimateConfig.parse(words[2:])
    assert left == []
    assert config.sample == 32


def test_every_field_of_a_price_list_is_explained() -> None:
    text = (ROOT / "docs/estimate.md").read_text("utf-8")
    assert {name for name in Prices.model_fields if f"`{name}`" not in text} == set()
