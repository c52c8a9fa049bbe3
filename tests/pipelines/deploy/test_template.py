"""The template's description: what it says is what `fcn score` and Dataflow take."""

import json
import re
from pathlib import Path

import pytest

from pipelines.deploy import template
from pipelines.faults import UsageError
from pipelines.runners import dataflow_template, flags
from pipelines.score.config import ScoreConfig

COMMITTED = Path(template.__file__).with_name("metadata.json")
PARAMETERS = {each["name"]: each for each in template.metadata()["parameters"]}
OURS = {field.alias or name for name, field in ScoreConfig.model_fields.items()}


def test_the_file_is_what_the_settings_say() -> None:
    again = "run: fcn template --output pipelines/deploy/metadata.json"
    assert COMMITTED.read_text("utf-8") == template.text(), again


def test_the_service_knows_every_word_of_it() -> None:
    pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
    from google.cloud.dataflow_v1beta3 import TemplateMetadata
    from google.protobuf import json_format

    read = json_format.Parse(template.text(), TemplateMetadata.pb()())
    assert [each.name for each in read.parameters] == list(PARAMETERS)
    assert all(each.label and each.help_text for each in read.parameters)
    assert all(len(each.help_text) < 2000 for each in read.parameters)


def test_every_setting_but_the_terminals_is_a_parameter() -> None:
    beams = {each.name for each in dataflow_template.PARAMETERS}
    assert set(PARAMETERS) == (OURS - {"json"}) | beams
    assert not OURS & beams


def test_every_parameter_is_a_flag() -> None:
    beams = [f"--{each.name}=1" for each in dataflow_template.PARAMETERS]
    for word in beams:
        name = word.partition("=")[0]
        try:
            flags.check_flags([word], ours=[])
        except UsageError as error:
            assert "unknown flag" not in str(error), name


def test_what_a_launcher_cannot_decide_must_be_given() -> None:
    needed = {name for name, each in PARAMETERS.items() if not each["isOptional"]}
    assert needed == {
        "input",
        "output",
        "engine",
        "precision",
        "instruction_set",
        "max_num_workers",
        "machine_type",
    }
    for name in ("engine", "precision"):
        values = [each["value"] for each in PARAMETERS[name]["enumOptions"]]
        assert "auto" not in values
        assert len(values) == {"engine": 2, "precision": 4}[name]


def test_defaults_fit_their_own_rules() -> None:
    for name, each in PARAMETERS.items():
        default = each.get("defaultValue")
        if default is None:
            assert each["paramType"] != "BOOLEAN", f"the service would fill in {name}"
            continue
        for pattern in each.get("regexes", []):
            assert re.fullmatch(pattern, default), name
        if "enumOptions" in each:
            assert default in [option["value"] for option in each["enumOptions"]]


def test_defaults_are_the_commands(tmp_path: Path) -> None:
    words = [
        f"--{name}={each['defaultValue']}"
        for name, each in PARAMETERS.items()
        if name in OURS and "defaultValue" in each and name != "model"
    ]
    required = ["--input=gs://my-bucket/photos", "--output=gs://my-bucket/out"]
    with_words, left = ScoreConfig.parse([*required, *words])
    assert left == []
    assert with_words == ScoreConfig.parse(required)[0]


@pytest.mark.parametrize(
    ("name", "good", "wrong"),
    [
        ("input", ["gs://my-bucket/photos/*.jpg"], ["/data", "gs://ab/x", "gs://b\n"]),
        ("output", ["gs://my-bucket/out"], ["out", "s3://my-bucket/out"]),
        ("run_date", ["today", "2026-11-29"], ["29.11.2026", "tomorrow"]),
        ("timezone", ["UTC", "Europe/Berlin", "Etc/GMT+1"], ["a b", ""]),
        ("max_error_rate", ["0", "1", "0.05", ".5", "1.0"], ["5%", "2", "-1"]),
        ("instruction_set", ["amx_bf16", "NVIDIA L4"], ["", "a\nb"]),
        ("chunk_size", ["256"], ["-1", "many"]),
        ("max_num_workers", ["1", "1000"], ["0", "-3", "x"]),
        ("machine_type", ["g2-standard-8", "n2-custom-4-8192"], ["big", "N2-x"]),
        (
            "dataflow_service_options",
            ["worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"],
            ["a b"],
        ),
        (
            "sdk_container_image",
            ["europe-west4-docker.pkg.dev/p/fcn/worker:1.0", "gcr.io/p/w@sha256:0a"],
            ["worker", "gcr.io/p/w"],
        ),
    ],
)
def test_patterns_tell_good_from_wrong(
    name: str, good: list[str], wrong: list[str]
) -> None:
    (pattern,) = PARAMETERS[name]["regexes"]
    assert [value for value in good if not re.fullmatch(pattern, value)] == []
    assert [value for value in wrong if re.fullmatch(pattern, value)] == []


def test_parameters_are_grouped() -> None:
    groups = {each["groupName"] for each in PARAMETERS.values()}
    assert groups == {"Photos", "Models", "Results", "Workers"}
    assert json.loads(template.text())["name"] == "fcn score"
