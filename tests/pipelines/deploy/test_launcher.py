"""A template's launch: its parameters become the command, and nothing heavy loads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.deploy import launcher, template
from pipelines.score.config import ScoreConfig
from tests.doubles.dataflow_flags import IMAGE
from tests.doubles.dataflow_service import Service, running
from tests.doubles.loopback import loopback_only
from tests.runs import score_runs

ROOT = Path(__file__).resolve().parents[3]
FILE = Path(launcher.__file__)
GIVEN = [
    "--input=gs://my-bucket/photos",
    "--output=gs://my-bucket/out",
    "--model=voc21,gs://my-bucket/models/mine",
    "--engine=openvino",
    "--precision=f32",
    "--instruction_set=avx512",
    "--rescore=false",
    "--tile=",
    "--machine_type=c3-standard-8",
    "--max_num_workers=20",
]
SERVICES_OWN = [
    "--project=my-photos-42",
    "--region=europe-west4",
    "--job_name=nightly-2026-11-29",
    "--temp_location=gs://my-bucket/temp",
    "--staging_location=gs://my-bucket/staging",
    "--template_location=gs://my-bucket/staging/template_launches/2026-11-29_1/job_object",
    "--runner=DataflowRunner",
]


def test_parameters_become_the_command() -> None:
    words = launcher.words([*GIVEN, *SERVICES_OWN], {"WORKER_IMAGE": IMAGE})
    assert words[0] == "score"
    config, left = ScoreConfig.parse(words[1:])
    assert config.input == "gs://my-bucket/photos"
    assert config.model == ["voc21", "gs://my-bucket/models/mine"]
    assert config.rescore is False
    assert config.tile is None
    assert {*SERVICES_OWN, "--no_wait_until_finish"} <= {*left}
    assert f"--sdk_container_image={IMAGE}" in left


def test_dataflow_takes_what_a_launch_gives() -> None:
    pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
    from pipelines.runners import dataflow, flags

    words = launcher.words([*GIVEN, *SERVICES_OWN], {"WORKER_IMAGE": IMAGE})
    config, left = ScoreConfig.parse(words[1:])
    with loopback_only():
        flags.check_flags(left, ours=ScoreConfig.flags())
        options = dataflow.options(
            left,
            output=config.output,
            engine=config.engine,
            precision=config.precision,
            instruction_set=config.instruction_set,
        ).get_all_options()
    assert options["runner"] == "DataflowRunner"
    assert options["no_wait_until_finish"] is True
    assert options["sdk_container_image"] == IMAGE
    assert options["max_num_workers"] == 20


@pytest.mark.parametrize("environment", [{}, {"WORKER_IMAGE": ""}])
def test_an_image_that_does_not_know_its_name_adds_none(
    environment: dict[str, str],
) -> None:
    assert not [w for w in launcher.words(GIVEN, environment) if "image" in w]


def test_an_image_that_is_given_stays() -> None:
    given = [*GIVEN, "--sdk_container_image=gcr.io/p/other:2"]
    words = launcher.words(given, {"WORKER_IMAGE": IMAGE})
    assert [w for w in words if "image" in w] == [given[-1]]


def test_every_parameter_passes_the_launcher() -> None:
    """Whatever the template offers is understood by the command behind it."""
    given = {
        each["name"]: each.get("defaultValue")
        or next(
            (option["value"] for option in each.get("enumOptions", [])),
            {"input": "gs://my-bucket/a", "output": "gs://my-bucket/b"}.get(
                each["name"], "512"
            ),
        )
        for each in template.metadata()["parameters"]
    }
    given["max_side"] = "1024"
    words = launcher.words([f"--{n}={v}" for n, v in given.items()], {})
    config, left = ScoreConfig.parse(words[1:])
    assert config.tile == 512
    names = {word.partition("=")[0].removeprefix("--") for word in left}
    assert names <= {*given, "runner", "no_wait_until_finish"}


def environment_without_settings() -> dict[str, str]:
    return {n: v for n, v in os.environ.items() if not n.startswith("FCN_")}


def test_the_file_runs_on_its_own_as_a_template_runs_it(tmp_path: Path) -> None:
    """Copied out of the package, it becomes the command, with its exit code."""
    script = tmp_path / "launcher.py"
    script.write_bytes(FILE.read_bytes())
    run = subprocess.run(
        [sys.executable, script, "--output=gs://my-bucket/out"],
        env={**environment_without_settings(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr.startswith("fcn score: --input is missing, expected photos")
    assert run.stderr.count("\n") == 1


def test_a_launch_plans_the_night_and_leaves_the_job_to_the_service(
    tmp_path: Path,
) -> None:
    """The whole launch, with folders of this machine for buckets."""
    pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
    score_runs.add_photos(tmp_path / "photos", 2)
    job = tmp_path / "staging/template_launches/2026-11-29_1/job_object"
    job.parent.mkdir(parents=True)
    service = Service()
    with running(service):
        run = subprocess.run(
            [
                *(sys.executable, FILE, f"--input={tmp_path / 'photos'}"),
                *(f"--output={tmp_path / 'out'}", "--model=quality", *GIVEN[3:]),
                *(f"--dataflow_endpoint={service.endpoint}", "--no_auth"),
                *SERVICES_OWN[:3],
                f"--staging_location={tmp_path / 'staging'}",
                f"--template_location={job}",
            ],
            env={
                **environment_without_settings(),
                "PYTHONPATH": str(ROOT),
                "WORKER_IMAGE": IMAGE,
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("job of the template goes on at DataflowRunner")
    assert (tmp_path / "out/_runs/plans/00000001.json").is_file()
    (pool,) = json.loads(job.read_text("utf-8"))["environment"]["workerPools"]
    assert pool["workerHarnessContainerImage"] == IMAGE
    assert service.requests == []


def test_the_launcher_loads_neither_beam_nor_a_model() -> None:
    code = (
        "import json, sys; import pipelines.deploy.launcher, pipelines.deploy.template;"
        "print(json.dumps(list(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(run.stdout)}
    assert not loaded & {"apache_beam", "tensorflow", "keras", "openvino", "numpy"}
