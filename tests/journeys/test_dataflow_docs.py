"""Every command of docs/dataflow.md is checked as far as no service is needed."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.convert.config import ConvertVocConfig
from pipelines.deploy import launcher, template
from pipelines.evaluate.config import EvaluateConfig
from pipelines.runners import dataflow, dataflow_preview, flags
from pipelines.score.config import ScoreConfig
from pipelines.settings import JobConfig
from tests.doubles.dataflow_jobs import launched
from tests.doubles.loopback import loopback_only

pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/dataflow.md").read_text("utf-8")
KINDS: Mapping[tuple[str, ...], type[JobConfig]] = {
    ("score",): ScoreConfig,
    ("evaluate",): EvaluateConfig,
    ("convert", "voc"): ConvertVocConfig,
}
SERVICES_OWN = [
    "--project=my-photos-42",
    "--region=europe-west4",
    "--temp_location=gs://my-bucket/temp",
]


def commands(program: str) -> list[list[str]]:
    """Returns the words of each command line of a program in the fenced blocks."""
    blocks = re.findall(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL)
    lines = [line for b in blocks for line in b.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line) for line in lines]
    return [command for command in words if command[0] == program]


def check(words: list[str], tmp_path: Path) -> Mapping[str, object]:
    """Returns the preview of a command line, behind `fcn`."""
    (name,) = [n for n in KINDS if tuple(words[: len(n)]) == n]
    config, beam = KINDS[name].parse(words[len(name) :])
    flags.check_flags(beam, ours=type(config).flags())
    options = dataflow.options(
        [*beam, "--dry_run=true"],
        output=config.output,  # type: ignore[attr-defined]
        engine=getattr(config, "engine", None),
        precision=getattr(config, "precision", None),
        instruction_set=getattr(config, "instruction_set", None),
    )
    return dataflow_preview.preview(launched(options, tmp_path).job)


def test_the_page_has_commands() -> None:
    assert len(commands("fcn")) >= 5
    assert len(commands("gcloud")) >= 10


@pytest.mark.parametrize("words", commands("fcn"), ids=lambda words: words[1])
def test_what_the_page_launches_is_in_order(words: list[str], tmp_path: Path) -> None:
    with loopback_only():
        shown = check(words[1:], tmp_path)
    assert shown["project"] == "my-photos-42"
    assert str(shown["image"]).startswith("europe-west4-docker.pkg.dev/my-photos-42/")
    assert shown["max_num_workers"]


def templated() -> list[Mapping[str, str]]:
    """Returns the parameters of each launch by the template on the page."""
    found = list[Mapping[str, str]]()
    for command in commands("gcloud"):
        for word in command:
            name, _, value = word.partition("=")
            if name == "--parameters":
                pairs = (pair.partition("=") for pair in value.split(","))
                found.append({key: text for key, _, text in pairs})
            if name == "--message-body":
                found.append(json.loads(value)["launchParameter"]["parameters"])
    return found


@pytest.mark.parametrize("given", templated(), ids=["run", "schedule"])
def test_launches_by_the_template_are_in_order(
    given: Mapping[str, str], tmp_path: Path
) -> None:
    known = {each["name"]: each for each in template.metadata()["parameters"]}
    assert set(given) <= set(known)
    assert {n for n, each in known.items() if not each["isOptional"]} <= set(given)
    for name, value in given.items():
        for pattern in known[name].get("regexes", []):
            assert re.fullmatch(pattern, value)
    words = [f"--{name}={value}" for name, value in given.items()]
    image = "europe-west4-docker.pkg.dev/my-photos-42/fcn/worker:1.0"
    environment = {"WORKER_IMAGE": image}
    with loopback_only():
        command = launcher.words([*words, *SERVICES_OWN], environment)
        assert check(command, tmp_path)["image"] == image


def test_builds_name_what_the_build_file_takes() -> None:
    build = (ROOT / "pipelines/deploy/docker/cloudbuild.yaml").read_text("utf-8")
    builds = [words for words in commands("gcloud") if words[1] == "builds"]
    assert len(builds) == 2
    for words in builds:
        given = {word.partition("=")[0]: word.partition("=")[2] for word in words}
        assert (ROOT / given["--config"]).is_file()
        for pair in given["--substitutions"].split(","):
            assert f"  {pair.partition('=')[0]}: " in build


def test_the_example_of_the_costs_adds_up() -> None:
    price = 8 * 0.056 + 32 * 0.003557 + 25 * 0.000054
    hours = 1_000_000 / (40 * 3600)
    assert f"{hours:.1f} hours of one worker, ${hours * price:.2f}" in TEXT
    assert f"{hours * 60 / 20:.0f} minutes" in TEXT
    assert f"${price:.2f} for a" in TEXT


def test_what_is_added_is_on_the_page(tmp_path: Path) -> None:
    (given,) = [c for c in commands("fcn") if "--dry_run=true" in c]
    config, beam = ScoreConfig.parse(given[2:])
    options = dataflow.options(
        beam,
        output=config.output,
        engine=config.engine,
        precision=config.precision,
        instruction_set=config.instruction_set,
    )
    changed = {
        name
        for name, value in options.get_all_options(drop_default=True).items()
        if f"--{name}" not in [word.partition("=")[0] for word in beam]
    }
    assert changed
    for name in changed - {"dry_run"}:
        assert f"--{name}" in TEXT or f"--no_{name}" in TEXT
