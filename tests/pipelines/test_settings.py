"""Settings: flags > environment > YAML file > defaults, and one line for mistakes."""

import datetime
import os
from pathlib import Path

import pytest

from pipelines.convert.config import ConvertVocConfig
from pipelines.faults import UsageError
from pipelines.score import config
from pipelines.score.config import (
    DiscardConfig,
    ReplayConfig,
    ScoreConfig,
    StatusConfig,
)
from pipelines.settings import JobConfig
from pipelines.training.config import ExportConfig, ModelsConfig, TrainConfig

NEEDED = ["--input", "in", "--output", "out"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("FCN_"):
            monkeypatch.delenv(name)


def score(*words: str) -> ScoreConfig:
    settings, left = ScoreConfig.parse([*NEEDED, *words])
    assert left == []
    return settings


def refusal(kind: type[JobConfig], *words: str) -> str:
    with pytest.raises(UsageError) as caught:
        kind.parse(list(words))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{kind.command}: ")
    return str(caught.value)


def yaml(folder: Path, text: str) -> str:
    path = folder / "settings.yaml"
    path.write_text(text)
    return os.fspath(path)


def test_defaults() -> None:
    settings = score()
    assert (settings.input, settings.output) == ("in", "out")
    assert settings.model == ["voc21", "aesthetics", "quality"]
    assert (settings.engine, settings.precision) == ("auto", "auto")
    assert (settings.masks, settings.chunk_size) == ("auto", 256)
    assert (settings.lanes, settings.limit, settings.max_side) == (None, None, None)
    assert settings.max_error_rate == 0.05
    assert not settings.rescore
    assert not settings.json_output


def test_flags_before_environment_before_file_before_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = yaml(tmp_path, "chunk_size: 10\nlanes: 10\nmasks: tar\ninput: from-file\n")
    monkeypatch.setenv("FCN_CHUNK_SIZE", "20")
    monkeypatch.setenv("FCN_LANES", "20")
    words = ["--output", "out", "--config", file, "--chunk_size", "30"]
    settings, _ = ScoreConfig.parse(words)
    assert settings.chunk_size == 30
    assert settings.lanes == 20
    assert settings.masks == "tar"
    assert settings.input == "from-file"
    assert settings.engine == "auto"


def test_values_have_their_types_wherever_they_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FCN_MAX_ERROR_RATE", "0.5")
    monkeypatch.setenv("FCN_RESCORE", "true")
    file = yaml(tmp_path, "limit: 7\nrun_date: 2026-11-20\n")
    settings = score("--config", file, "--max_side=512")
    assert (settings.max_error_rate, settings.rescore) == (0.5, True)
    assert (settings.limit, settings.max_side) == (7, 512)
    assert settings.run_date == settings.night == "2026-11-20"


def test_lists_are_words_commas_or_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["voc21", "models/mine"]
    assert score("--model", *wanted).model == wanted
    assert score("--model", wanted[0], "--model", wanted[1]).model == wanted
    assert score("--model=a,b").model == ["a,b"]  # a folder may be named so
    assert score("--config", yaml(tmp_path, f"model: {wanted}")).model == wanted
    file = yaml(tmp_path, "model: voc21, models/mine")
    assert score("--config", file).model == wanted
    monkeypatch.setenv("FCN_MODEL", "voc21, models/mine,")
    assert score().model == wanted


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], False),
        (["--rescore"], True),
        (["--rescore=true"], True),
        (["--rescore", "true"], True),
        (["--rescore", "false"], False),
        (["--rescore=false"], False),
        (["--rescore=1"], True),
        (["--rescore=no"], False),
    ],
)
def test_switches(words: list[str], expected: bool) -> None:
    assert score(*words).rescore is expected


def test_a_switch_does_not_swallow_the_word_behind_it() -> None:
    for words in (["--json", "out"], ["out", "--json"]):
        settings, _ = StatusConfig.parse(words)
        assert settings.json_output
        assert settings.output == "out"
    for value, expected in (("true", True), ("True", True), ("FALSE", False)):
        settings, _ = StatusConfig.parse(["--json", value, "out"])
        assert (settings.json_output, settings.output) == (expected, "out")
    models, _ = ModelsConfig.parse(["show", "--json", "voc21"])
    assert (models.action, models.name, models.json_output) == ("show", "voc21", True)
    replay, left = ReplayConfig.parse(["--lanes=2", "out", "--direct_num_workers", "2"])
    assert (replay.output, left) == ("out", ["--direct_num_workers", "2"])


def test_json_is_read_from_its_own_variable_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JSON", "1")
    monkeypatch.setenv("JSON_OUTPUT", "1")
    assert not score().json_output
    monkeypatch.setenv("FCN_JSON", "1")
    assert score().json_output


def test_variables_of_others_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INPUT", "MODEL", "LANES", "FCN_WEIGHTS", "FCN_UNKNOWN"):
        monkeypatch.setenv(name, "x")
    assert score().model == ["voc21", "aesthetics", "quality"]


def test_what_is_left_may_be_beams() -> None:
    settings, left = ScoreConfig.parse([*NEEDED, "--direct_num_workers=2", "stray"])
    assert settings.input == "in"
    assert left == ["--direct_num_workers=2", "stray"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--chunk_size", "many"],
            "--chunk_size: got 'many', expected a valid integer",
        ),
        (["--chunk_size", "0"], "greater than or equal to 1"),
        (["--max_side=9000"], "--max_side: got '9000', expected less than or equal"),
        (["--max_error_rate=7"], "--max_error_rate: got '7'"),
        (["--engine=onnx"], "--engine: got 'onnx', expected 'auto', 'openvino' or"),
        (["--rescore=perhaps"], "--rescore: got 'perhaps', expected true or false"),
        (["--run_date=20.11.2026"], "expected YYYY-MM-DD, today or yesterday"),
        (["--run_date=2026-02-30"], "expected YYYY-MM-DD, today or yesterday"),
        (["--run_date=20261120"], "expected YYYY-MM-DD, today or yesterday"),
        (["--timezone=Mars/Olympus"], "expected a name such as Europe/Berlin"),
        (["--timezone=../etc/passwd"], "expected a name such as Europe/Berlin"),
        (["--masks"], "--masks: expected one argument"),
    ],
)
def test_a_wrong_value_is_one_line(words: list[str], message: str) -> None:
    line = refusal(ScoreConfig, *NEEDED, *words)
    assert message in line
    assert line.endswith("see fcn score --help")


def test_a_missing_flag_is_named_with_its_meaning() -> None:
    line = refusal(ScoreConfig, "--output", "out")
    assert "--input is missing, expected photos: a folder, a glob" in line
    assert "required: output" in refusal(StatusConfig)


@pytest.mark.parametrize(
    ("flag", "nearest"),
    [("--run_dat", "--run_date"), ("--run-date=x", "--run_date"), ("--jsn", "--json")],
)
def test_an_unknown_flag_names_the_nearest(flag: str, nearest: str) -> None:
    line = refusal(DiscardConfig, "out", flag)
    assert line.endswith(f"did you mean {nearest}?")


def test_flags_are_not_abbreviated() -> None:
    _, left = ScoreConfig.parse([*NEEDED, "--chunk=3"])
    assert left == ["--chunk=3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chunk_sise: 3", "did you mean chunk_size?"),
        ("chunk_size: many", "--chunk_size: got 'many'"),
        ("chunk_size: [1", "expected YAML; mend the file"),
        ("- a\n- b", "--config: got no names and values"),
        ("just words", "--config: got no names and values"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        score("--config", yaml(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert score("--config", yaml(tmp_path, "# nothing yet\n")) == score()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for name in ("gone.yaml", "."):
        with pytest.raises(UsageError, match="expected a YAML file; check the path"):
            score("--config", os.fspath(tmp_path / name))


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        score().limit = 3  # type: ignore[misc]


def test_dates_are_decided_in_their_time_zone() -> None:
    east, west = "Pacific/Kiritimati", "Etc/GMT+12"  # 26 hours apart: never one day
    assert config.resolve_date("today", east) > config.resolve_date("today", west)
    today = datetime.date.fromisoformat(config.resolve_date("today", "UTC"))
    yesterday = datetime.date.fromisoformat(config.resolve_date("yesterday", "UTC"))
    assert today - yesterday in (datetime.timedelta(1), datetime.timedelta(2))
    assert config.resolve_date("2020-02-29", "UTC") == "2020-02-29"


COMMANDS: list[type[JobConfig]] = [
    ConvertVocConfig,
    DiscardConfig,
    ExportConfig,
    ModelsConfig,
    ReplayConfig,
    ScoreConfig,
    StatusConfig,
    TrainConfig,
]


@pytest.mark.parametrize("kind", COMMANDS)
def test_help_names_every_flag_and_what_it_means(
    kind: type[JobConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        kind.parse(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for name, field in kind.model_fields.items():
        assert field.description, name
        assert (field.alias or name) in text


@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if kind.beam])
def test_no_flag_is_one_of_beams(kind: type[JobConfig]) -> None:
    from pipelines.runners import flags

    beams = set(flags._beam_parser()._option_string_actions)
    assert beams.isdisjoint(set(kind.flags()) - {"--help", "-h"})
