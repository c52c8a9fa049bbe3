"""What Dataflow's workers run: every rule refuses in one line."""

from pathlib import Path

import pytest

from tests.doubles.dataflow_flags import IMAGE, options, refusal
from tests.doubles.loopback import loopback_only

pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
NAME = IMAGE.rpartition(":")[0]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _offline() -> object:
    with loopback_only():
        yield


@pytest.mark.parametrize(
    ("change", "keywords"),
    [
        ("save_main_session", ("--save_main_session", "installed", "leave it out")),
        ("streaming", ("--streaming", "a night has an end")),
        ("update", ("--update", "batch job")),
        ("template_location=gs://my-bucket/t", ("Flex Template", "one night's plan")),
        ("-sdk_container_image", ("--sdk_container_image: got nothing", "--setup")),
        ("sdk_container_image=worker", ("got worker", "an image in a registry")),
        ("sdk_container_image=Upper/Case:1", ("an image in a registry",)),
        (f"sdk_container_image={NAME}", ("a version as its tag", "two workers")),
        (f"sdk_container_image={NAME}:latest", ("what latest means",)),
        ("sdk_location=/tmp/beam.whl", ("--sdk_location", "the image has Beam")),
        (
            f"worker_harness_container_image={IMAGE}",
            ("--sdk_container_image, its present name",),
        ),
        ("job_name=Nightly", ("--job_name: got Nightly", "lower-case")),
        ("job_name=nightly-", ("no hyphen last",)),
        ("job_name=2026-night", ("a letter first",)),
        ("labels=Team=photos", ("--labels: got Team=photos", "key=value")),
        ("labels=team=Photos!", ("--labels", "at most 63")),
        ("labels=" + "k" * 64 + "=v", ("--labels", "at most 63")),
        ('labels={"team": "p"', ("a mapping such as",)),
        ('labels={"Team": "p"}', ("--labels", "key=value")),
        ("setup_file=/nowhere/setup.py", ("--setup_file", "a file that is there")),
        ("setup_file=/nowhere/install.py", ("a file of the name setup.py",)),
        ("extra_package=/nowhere/fcn.whl", ("--extra_package", "that is there")),
        ("requirements_file=/nowhere/r.txt", ("--requirements_file",)),
        ("dry_run=perhaps", ("--dry_run: got perhaps", "true or false")),
    ],
)
def test_wrong_code_is_refused(change: str, keywords: tuple[str, ...]) -> None:
    line = refusal(change)
    for keyword in keywords:
        assert keyword in line


@pytest.mark.parametrize(
    ("engine", "precision", "keywords"),
    [
        ("auto", "f32", ("--engine: got auto", "the launcher is not the worker")),
        ("openvino", "auto", ("--precision: got auto", "one arithmetic")),
    ],
)
def test_the_arithmetic_is_named(
    engine: str, precision: str, keywords: tuple[str, ...]
) -> None:
    line = refusal(engine=engine, precision=precision)
    for keyword in keywords:
        assert keyword in line


@pytest.mark.parametrize(
    "changes",
    [
        ("job_name=nightly-2026-11-29",),
        ("labels=team=photos",),
        ("labels=team=",),
        ('labels={"team": "photos", "count": "3"}',),
        (f"sdk_container_image={NAME}@sha256:" + "0" * 64,),
        ("sdk_container_image=localhost:5000/fcn/worker:1.0-rc.1",),
        ("-sdk_container_image", f"setup_file={ROOT}/setup.py"),
        ("-sdk_container_image", f"extra_package={ROOT}/setup.py"),
        ("-sdk_container_image", "extra_package=gs://my-bucket/fcn-1.0.tar.gz"),
        ("no_save_main_session",),
        (
            "template_location=gs://my-bucket/staging/template_launches/"
            "2026-11-29_01_02_03-4/job_object",
        ),
    ],
)
def test_right_code_is_taken(changes: tuple[str, ...]) -> None:
    assert options(*changes).get_all_options()["save_main_session"] is False


def test_a_job_without_a_model_has_no_arithmetic() -> None:
    taken = options("-machine_type", engine="none").get_all_options()
    assert taken["machine_type"] is None
