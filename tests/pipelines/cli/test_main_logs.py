"""`--log_format json`: what a scheduler's log gets of commands."""

import json
from pathlib import Path

import pytest

from tests.runs import score_runs
from tests.runs.score_runs import NIGHT, fcn

pytestmark = pytest.mark.usefixtures("warm_lanes")


def test_a_night(tmp_path: Path) -> None:
    score_runs.add_photos(tmp_path / "photos", 2)
    out = tmp_path / "out"
    flags = ("--lanes=1", "--model", "voc21", "--log_format", "json")
    ended = score_runs.score(tmp_path / "photos", out, *flags)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    about = {(line["command"], line["output"], line["run_date"]) for line in lines}
    assert about == {("score", out.as_posix(), NIGHT)}
    planned = next(line for line in lines if line.get("event") == "planned")
    assert (planned["severity"], planned["planned"]) == ("INFO", 2)
    last = [line for line in lines if line.get("event") == "progress"][-1]
    assert (last["done"], last["total"], last["failed"]) == (2, 2, 0)
    assert "2 planned" in ended.stdout  # the result is no log


@pytest.mark.parametrize("flag", ["--log_format=json", ""])
def test_a_fault_in_the_words(flag: str, tmp_path: Path) -> None:
    ended = fcn("score", "--inputt", "x", *filter(None, [flag]))
    assert ended.code == 2
    (line,) = ended.stderr.splitlines()
    if flag:
        found = json.loads(line)
        assert (found["severity"], found["exit_code"]) == ("ERROR", 2)
        line = found["message"]
    assert line.startswith("fcn score: ")


def test_a_configuration_file_may_say_so(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("log_format: json\n")
    ended = fcn("status", tmp_path, "--config", config)
    assert json.loads(ended.stderr)["severity"] == "ERROR"
    ended = fcn("status", tmp_path, "--log_format", "xml")
    assert (ended.code, ended.stderr[:12]) == (2, "fcn status: ")
