"""What settings expect is said in words, never as a pattern."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

import pipelines
from pipelines.evaluate.config import EvaluateConfig
from pipelines.expected import expected_by, expects, words_of
from pipelines.faults import UsageError
from pipelines.nightly.config import NightlyConfig
from pipelines.score.config import ScoreConfig
from pipelines.settings import JobConfig

_WRITTEN = ("pipelines.nightly.", "pipelines.score.gate")


class _Inner(BaseModel):
    day: str = ""


class _Setting(BaseModel):
    day: str = Field(
        default="", pattern=r"^\d{4}$", json_schema_extra=expects("a year, YYYY")
    )
    bare: str = Field(default="", pattern=r"^\d$")
    lanes: int = Field(default=1, ge=1)
    inner: _Inner = _Inner()
    is_fast: bool = False
    names: tuple[str, ...] = Field(default=("a",), min_length=1)


def _subclasses(cls: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)


def _settings() -> list[tuple[str, FieldInfo]]:
    """Returns every field of what people write: flags and keys of nightly files."""
    for module in pkgutil.walk_packages(pipelines.__path__, "pipelines."):
        if module.name.rpartition(".")[2].endswith(("config", "settings", "watchers")):
            importlib.import_module(module.name)
    models = {
        cls
        for cls in _subclasses(BaseModel)
        if issubclass(cls, JobConfig) or cls.__module__.startswith(_WRITTEN)
    }
    return [
        (f"{cls.__name__}.{name}", field)
        for cls in sorted(models, key=lambda c: (c.__module__, c.__name__))
        for name, field in cls.model_fields.items()
    ]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"day": "x"}, "expected a year, YYYY"),
        ({"bare": "x"}, "expected "),
        ({"lanes": 0}, "expected greater than or equal to 1"),
        ({"lanes": "x"}, "expected a valid integer"),
        ({"names": []}, "expected at least 1 item"),
        ({"names": 5}, "expected a list"),
        ({"day": 5}, "expected text"),
        ({"inner": 5}, "expected keys and values"),
        ({"is_fast": "perhaps"}, "expected true or false"),
    ],
)
def test_words(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Setting.model_validate(values)
    (mistake,) = caught.value.errors()
    found = expected_by(mistake, _Setting.model_fields[str(mistake["loc"][0])])
    if "bare" in values:  # which no setting may be: see below
        assert "pattern" in found
    else:
        assert found == words


def test_every_setting_with_a_pattern_has_words() -> None:
    with_pattern = {
        name: words_of(field)
        for name, field in _settings()
        if any(getattr(each, "pattern", None) for each in field.metadata)
    }
    assert {"ScoreConfig.device", "NightlyConfig.run_date"} <= set(with_pattern)
    assert [name for name, words in with_pattern.items() if not words] == []


def test_a_flag() -> None:
    with pytest.raises(UsageError, match="--device: got 'gpu', expected auto, none, "):
        ScoreConfig.parse(["--input", "a", "--output", "b", "--device", "gpu"])


def test_models_of_nightly_files_are_looked_at() -> None:
    names = {name.partition(".")[0] for name, _ in _settings()}
    assert {NightlyConfig.__name__, "WatcherSettings", "BigQuerySettings"} <= names


def test_what_is_wrong_with_several_flags_is_a_sentence() -> None:
    with pytest.raises(UsageError) as caught:
        EvaluateConfig.parse(["--model", "voc21", "--data", "a", "--output", "b.json"])
    assert str(caught.value).startswith("fcn evaluate: --split: got none, expected ")
