"""Watching, keeping house, runbook: their commands run, their lists are the code's."""

import contextlib
import io
import re
import shlex
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import yaml

from fcn_core.bad_image import REASONS
from pipelines import faults
from pipelines.chunks.counts import COUNTERS
from pipelines.chunks.gates import GateName
from pipelines.cli import main
from pipelines.nightly.alarms import ALARMS
from pipelines.nightly.metrics_file import METRICS
from pipelines.nightly.watchers import WatcherSettings
from tests.runs import score_runs
from tests.runs.score_runs import fcn

DOCS = Path(__file__).resolve().parents[2] / "docs"
WATCHING = (DOCS / "watching.md").read_text("utf-8")
RUNBOOK = (DOCS / "runbook.md").read_text("utf-8")
PAGES = {
    name: (DOCS / f"{name}.md").read_text("utf-8")
    for name in ("keeping_house", "watching", "runbook")
}


def commands(page: str, language: str = "sh") -> list[list[str]]:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGES[page], flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an output of two nights."""
    home = tmp_path_factory.mktemp("home")
    for number, night in enumerate(("2026-11-19", "2026-11-20")):
        score_runs.add_photos(home / "photos", 2, first=10 * number)
        flags = ("--lanes=1", "--model", "voc21")
        score_runs.scored(home / "photos", home / "out", *flags, night=night)
    return home


@pytest.mark.parametrize("page", ["keeping_house", "watching"])
def test_every_command_runs(
    home: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    found = commands(page)
    assert len(found) >= 6
    for words in found:
        assert words[0] == "fcn"
        ended = fcn(*words[1:])
        assert ended.code == 0, f"{shlex.join(words)}\n{ended.stderr}"


def test_the_command_that_needs_bigquery_is_the_previewed_one() -> None:
    ((*words, flag),) = [w for w in commands("watching") if "--preview" in w]
    assert (commands("watching", "bash"), flag) == ([words], "--preview")


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_sentences_have_known_words(page: str) -> None:
    """Their flags are in the command's help."""
    for text in re.findall(r"`(fcn [^`]+)`", PAGES[page]):
        _, name, *words = text.split()
        assert name in main._COMMANDS, text
        shown = _help(name)
        flags = [word for word in words if word.startswith("--")]
        assert [flag for flag in flags if flag not in shown] == [], text


@cache
def _help(name: str) -> str:
    """Returns the help of a command, or what it answers without words."""
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.suppress(SystemExit):
        main.main([name, "--help"])
    return stdout.getvalue()


def headings(section: str) -> set[str]:
    """Returns the headings of the third level below one of the second."""
    (text,) = re.findall(rf"^## {section}$(.*?)(?=^## |\Z)", RUNBOOK, re.M | re.S)
    found = re.findall(r"^### (.+)$", text, re.M)
    names = [name for line in found for name in line.split(", ")]
    assert len(names) == len(set(names))
    return set(names)


def test_the_runbook_has_every_alarm() -> None:
    assert headings("Alarms") == {alarm.name for alarm in ALARMS}


def test_the_runbook_has_every_gate() -> None:
    assert headings("Gates") == {*get_args(GateName), "canary"}


def test_the_runbook_has_every_exit_code() -> None:
    kinds = [each for each in vars(faults).values() if isinstance(each, type)]
    codes = {k.exit_code for k in kinds if issubclass(k, faults.JobFault)}
    assert headings("Exit codes") == {str(code) for code in {0, *codes}}


def test_the_runbook_has_every_reason() -> None:
    assert headings("Reasons") == REASONS


def test_every_paragraph_says_something() -> None:
    paragraphs = re.split(r"^### .+$", RUNBOOK, flags=re.M)[1:]
    assert len(paragraphs) > 40
    assert all(len(text.split("\n## ")[0].split()) >= 8 for text in paragraphs)


def test_the_table_of_metrics_is_the_codes() -> None:
    rows = re.findall(r"^\| `(fcn_\w+)` \| ([^|]+) \|", WATCHING, re.M)
    got = [(name, re.findall(r"`(\w+)`", labels)) for name, labels in rows]
    assert got == [(m.name, ["output", *m.labels]) for m in METRICS]


def test_the_table_of_counters_is_the_codes() -> None:
    (section,) = re.findall(r"^## Counters$(.*?)^## ", WATCHING, re.M | re.S)
    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.M) == [*COUNTERS.items()]


def test_the_configuration_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", WATCHING, re.S)
    settings = WatcherSettings.model_validate(yaml.safe_load(text)["watchers"])
    assert settings.webhook is not None
    assert settings.webhook.when == ("failure", "recovery")
    assert settings.bigquery is not None and settings.bigquery.location == "EU"
