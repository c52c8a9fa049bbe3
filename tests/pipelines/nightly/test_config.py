"""The file of `fcn nightly`: shared keys, jobs, mistakes in one line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.faults import UsageError
from pipelines.nightly import commented, config
from pipelines.nightly.job import SCORE_KEYS, Job
from pipelines.score.gate_settings import GateSettings

ONE = "input: photos\noutput: results\n"


def test_a_file_without_jobs_is_one_job() -> None:
    (job,) = config.parse(ONE, file="n.yaml").jobs
    assert (job.label, job.input, job.output) == ("results", ("photos",), "results")
    assert job.gates == GateSettings()


def test_jobs_share_what_stands_above_them() -> None:
    text = """
model: [voc21]
chunk_size: 64
gates: {max_psi: 0.3, max_ks: 0.2}
beam: {project: p, region: r}
jobs:
- {input: a, output: out/a, chunk_size: 8, gates: {max_ks: null}}
- {input: [b, c], output: out/b, name: both, model: quality, beam: {region: s}}
"""
    first, second = config.parse(text, file="n.yaml").jobs
    settings = [job.score_config(config.DAY) for job in (first, second)]
    assert [each.chunk_size for each in settings] == [8, 64]
    assert [each.model for each in settings] == [["voc21"], ["quality"]]
    assert (first.gates.max_psi, first.gates.max_ks) == (0.3, None)
    assert (second.gates.max_psi, second.gates.max_ks) == (0.3, 0.2)
    assert second.beam_flags() == ["--project=p", "--region=s"]
    assert (second.label, second.input) == ("both", ("b", "c"))
    assert config.chosen((first, second), ["both"]) == [second]
    with pytest.raises(UsageError, match="got c, expected one of a both"):
        config.chosen((first, second), ["c"])


def test_flags_of_beam_are_words() -> None:
    values: dict[str, Any] = {"a": True, "b": False, "c": None, "d": ["x", "y"], "e": 3}
    job = Job(input=("a",), output="b", beam=values)
    assert job.beam_flags() == ["--a", "--d=x", "--d=y", "--e=3"]


def test_no_environment_variable_changes_a_night(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FCN_CHUNK_SIZE", "7")
    monkeypatch.setenv("FCN_MODEL", "voc21")
    (job,) = config.parse(ONE, file="n.yaml").jobs
    settings = job.score_config(config.DAY)
    assert (settings.chunk_size, len(settings.model)) == (256, 3)


MISTAKES = {
    "gatez: 1": "jobs[0].gatez: got gatez, expected one of its keys; did you mean",
    "gates: {max_psy: 1}": "jobs[0].gates.max_psy: got max_psy, expected one of its",
    "chunk_sise: 3": "did you mean chunk_size?",
    "watcher: {}": "did you mean watchers?",
    "look_back: x": "jobs[0].look_back: got 'x', expected a valid integer",
    "chunk_size: 0": "chunk_size: got 0, expected greater than or equal to 1",
    "timezone: Mars": "timezone: got 'Mars', expected a name such as Europe/Berlin",
    "run_date: soon": "run_date: got 'soon', ",
    "gates: {max_cost: 5}": "expected price_per_hour beside max_cost",
    "input: 'a/{date:x}'": "expected a date such as {date:%Y/%m/%d}",
    "jobs: 3": "jobs: got 3, expected",
}


def test_an_unknown_key_is_named_before_what_it_leaves_missing() -> None:
    with pytest.raises(UsageError, match="did you mean input"):
        config.parse("inptu: photos\noutput: out\n", file="n.yaml")


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_line(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.parse(
            yaml.safe_dump({**yaml.safe_load(ONE), **yaml.safe_load(line)}),
            file="n.yaml",
        )
    line_of_it = str(caught.value)
    assert line_of_it.startswith("n.yaml: ")
    assert MISTAKES[line] in line_of_it
    assert "\n" not in line_of_it


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a", "got no names and values"),
        ("a: [", "expected YAML"),
        ("input: a", "output: got nothing, expected a value"),
        (
            "jobs: [{input: a, output: b}, {input: c, output: b}]",
            "the output",
        ),
        ("jobs: [{input: a, output: x/b}, {input: c, output: y/b}]", "with the name b"),
    ],
)
def test_a_file_that_cannot_be_meant(text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        config.parse(text, file="n.yaml")


def test_what_is_printed_is_read_as_the_same() -> None:
    text = f"{ONE}gates: {{reference: 2026-11-20}}\nbeam: {{a: [x]}}\n"
    first = config.parse(text, file="n.yaml")
    again = config.parse(yaml.safe_dump(first.resolved()), file="n.yaml")
    assert again.resolved() == first.resolved()
    (job,) = first.resolved()["jobs"]
    assert {*SCORE_KEYS, "gates", "canaries", "look_back", "beam"} <= set(job)


def test_a_commented_file_has_every_key_at_its_default(tmp_path: Path) -> None:
    given = {"input": "photos/{date}/", "output": "out: 1", "timezone": "Europe/Berlin"}
    path = tmp_path / "n.yaml"
    path.write_text(commented.text(given))
    read = config.read(path, name="n.yaml")
    assert read.jobs[0].output == "out: 1"
    assert read.jobs[0].input == ("photos/{date}/",)
    # Without the marks of comments, it says what it said before.
    keys = (*SCORE_KEYS, "look_back", "canaries", "gates", "beam", "watchers")
    lines = path.read_text().splitlines()
    for key in keys:
        assert any(line.removeprefix("# ").startswith(f"{key}:") for line in lines), key
    shown = [line[2:] for line in lines if line.startswith(("# run_date:", "#   m"))]
    assert any("max_psi: 0.25" in line for line in shown)
