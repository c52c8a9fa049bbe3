"""`fcn score` on Dataflow, with a service and a store on this machine."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import files
from tests.doubles.dataflow_flags import GOOD, ON_GPU, words
from tests.doubles.dataflow_service import ID, Service, running
from tests.doubles.gcs import Bucket
from tests.runs import score_runs
from tests.runs.score_runs import Ended

pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")

ARITHMETIC = (
    *("--engine", "openvino", "--precision", "f32"),
    *("--instruction_set", "avx512"),
)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Beam's client asks every 5 s, and waits 50 s for the reason of a failure."""
    from apache_beam.runners.dataflow import dataflow_runner

    fast = SimpleNamespace(time=time.time, sleep=lambda s: time.sleep(s / 500))
    monkeypatch.setattr(dataflow_runner, "time", fast)
    yield


@pytest.fixture
def photos(bucket: Bucket, tmp_path: Path) -> str:
    score_runs.add_photos(tmp_path / "photos", 3)
    bucket.put_tree(tmp_path / "photos", "photos")
    return bucket.uri("photos")


def flags(service: Service, base: Mapping[str, str | None] = GOOD) -> list[str]:
    (staging := Path.cwd() / "staging").mkdir(exist_ok=True)
    return words(
        f"dataflow_endpoint={service.endpoint}",
        "no_auth",
        "-temp_location",
        f"staging_location={staging}",
        base=base,
    )


def launch(photos: str, bucket: Bucket, service: Service, *more: str) -> Ended:
    with running(service):
        given = (*ARITHMETIC, *flags(service))
        return score_runs.score(photos, bucket.uri("out"), *given, *more)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_launcher_that_leaves_names_the_job(photos: str, bucket: Bucket) -> None:
    service = Service()
    ended = launch(photos, bucket, service, "--no_wait_until_finish", "--json")
    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "job": ID,
        "engine": "DataflowRunner",
        "output": bucket.uri("out"),
    }
    assert len(service.jobs) == 1
    # The night is planned, and open until the workers have done it.
    assert files.list_names(bucket.uri("out/_runs/plans")) == ["00000001.json"]


def test_a_job_that_fails_is_its_last_error(photos: str, bucket: Bucket) -> None:
    error = "pipelines.faults.SystemicFault: the disk is full; make room"
    service = Service(states=["JOB_STATE_FAILED"], messages=[("ERROR", error)])
    ended = launch(photos, bucket, service)
    assert ended.code == 1
    assert ended.stderr.splitlines()[-1] == "fcn: the disk is full; make room"


def test_a_job_that_somebody_cancels(photos: str, bucket: Bucket) -> None:
    ended = launch(photos, bucket, Service(states=["JOB_STATE_CANCELLED"]))
    assert ended.code == 130
    assert "was cancelled" in ended.stderr


def test_a_dry_run_plans_nothing(photos: str, bucket: Bucket) -> None:
    service = Service()
    ended = launch(photos, bucket, service, "--dry_run=true", "--json")
    assert ended.code == 0, ended.stderr
    shown = json.loads(ended.stdout)
    assert shown["machine_type"] == "c3-standard-8"
    assert shown["steps"][-1] == "Finish"
    assert not bucket.names("out/")
    assert not service.requests


def test_what_does_not_fit_is_refused_before_anything_is_planned(
    photos: str, bucket: Bucket
) -> None:
    for more, message in (
        (["--engine", "auto"], "--engine: got auto"),
        (["--project=My_Photos"], "--project: got My_Photos"),
    ):
        ended = launch(photos, bucket, Service(), *more)
        assert ended.code == 2
        assert message in ended.stderr and ended.stderr.count("\n") == 1, ended.stderr
    assert not bucket.names("out/")


def test_a_replay_computes_as_its_night_did(photos: str, bucket: Bucket) -> None:
    """It has no flag that says so; a GPU without TensorFlow would be refused."""
    service, out = Service(), bucket.uri("out")
    with running(service):
        on_gpu = flags(service, base=ON_GPU)
        arithmetic = [
            *("--engine", "tensorflow", "--precision", "f32"),
            *("--instruction_set", "NVIDIA L4"),
        ]
        more = (*arithmetic, *on_gpu, "--no_wait_until_finish")
        assert score_runs.score(photos, out, *more).code == 0
        replayed = score_runs.fcn("replay", out, *on_gpu, "--dry_run=true", "--json")
        assert replayed.code == 0, replayed.stderr
        assert "nvidia-l4" in json.dumps(json.loads(replayed.stdout))
        refused = score_runs.fcn("replay", out, *flags(service), "--dry_run=true")
    assert refused.code == 2
    assert "NVIDIA L4" in refused.stderr
