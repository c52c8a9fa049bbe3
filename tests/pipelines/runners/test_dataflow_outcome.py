"""Jobs submitted to a service on this machine: how they end, and what is refused."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import json_format

from pipelines.faults import (
    AboveThreshold,
    Interrupted,
    JobFault,
    SystemicFault,
    UsageError,
)
from pipelines.runners import dataflow_outcome, dataflow_preview
from tests.doubles.chunk import Diary
from tests.doubles.dataflow_flags import options
from tests.doubles.dataflow_jobs import launched
from tests.doubles.dataflow_service import ID, Service, running
from tests.doubles.loopback import loopback_only

pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")

RUNNING, DONE, FAILED = "JOB_STATE_RUNNING", "JOB_STATE_DONE", "JOB_STATE_FAILED"


@pytest.fixture(autouse=True)
def _offline_and_fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Beam's client asks every 5 s, and waits 50 s for the reason of a failure."""
    from apache_beam.runners.dataflow import dataflow_runner

    fast = SimpleNamespace(time=time.time, sleep=lambda s: time.sleep(s / 500))
    monkeypatch.setattr(dataflow_runner, "time", fast)
    with loopback_only():
        yield


def submit(service: Service, folder: Path, *changes: str) -> Any:
    staging = folder / "staging"
    staging.mkdir()
    asked = options(
        f"dataflow_endpoint={service.endpoint}",
        "no_auth",
        "-temp_location",
        f"staging_location={staging}",
        *changes,
        output=str(folder / "out"),
    )
    return launched(asked, folder)


def fault(service: Service, folder: Path) -> JobFault:
    """Returns the fault of a job that does not end well."""
    with running(service), pytest.raises(Exception) as caught:
        submit(service, folder).wait_until_finish()
    found = dataflow_outcome.fault_of(caught.value)
    assert found is not None
    assert "\n" not in str(found)
    assert len(str(found)) < 400
    return found


def test_a_job_is_submitted_and_awaited(tmp_path: Path) -> None:
    service = Service(states=["JOB_STATE_PENDING", RUNNING, RUNNING, DONE])
    with running(service):
        result = submit(service, tmp_path, "job_name=nightly", "labels=team=photos")
        assert result.job_id() == ID
        assert result.wait_until_finish() == "DONE"
    (job,) = service.jobs
    assert (job["name"], job["labels"]) == ("nightly", {"team": "photos"})
    staged = (tmp_path / "staging" / "pipeline.pb").read_bytes()
    pipeline = beam_runner_api_pb2.Pipeline.FromString(staged)
    names = {each.unique_name for each in pipeline.components.transforms.values()}
    assert {"Process", "Finish"} <= names
    asked = [method for method, _ in service.requests]
    assert asked[0] == "POST"
    assert asked.count("GET") >= 4
    assert all("my-photos-42/locations/europe-west4" in p for _, p in service.requests)


def test_what_is_submitted_runs(tmp_path: Path) -> None:
    """The graph that workers would fetch, on an engine of this process."""
    with running(Service()) as service:
        submit(service, tmp_path)
    staged = (tmp_path / "staging" / "pipeline.pb").read_bytes()
    pipeline = beam_runner_api_pb2.Pipeline.FromString(staged)
    for environment in pipeline.components.environments.values():
        environment.urn, environment.payload = "beam:env:embedded_python:v1", b""
        del environment.dependencies[:]
    FnApiRunner().run_via_runner_api(pipeline, PipelineOptions([])).wait_until_finish()
    words = Diary(str(tmp_path / "diary")).words()
    assert words.count("finish 40 20 60") == 1
    assert len([word for word in words if word.startswith("chunk ")]) == 20


def test_what_is_submitted_is_what_a_dry_run_shows(tmp_path: Path) -> None:
    changes = ("job_name=nightly", "labels=team=photos", "num_workers=3")
    service = Service()
    with running(service):
        submit(service, tmp_path, *changes)
        dry = tmp_path / "dry"
        dry.mkdir()
        shown = submit(service, dry, *changes, "dry_run=true").job
    (sent,) = service.jobs
    expected = dataflow_preview.job_description(shown)
    from google.cloud.dataflow_v1beta3 import Job

    read = Job.pb()
    sent_job = json_format.ParseDict(dict(sent), read())
    shown_job = json_format.ParseDict(dict(expected), read())
    for job in (sent_job, shown_job):  # what differs between any two launches
        job.client_request_id = ""
        del job.environment.worker_pools[0].packages[:]
        job.environment.sdk_pipeline_options.Clear()
        job.environment.temp_storage_prefix = ""
    assert sent_job == shown_job


def test_a_templates_launch_leaves_the_job_to_the_service(tmp_path: Path) -> None:
    """Beam writes the job where the service looks for it, and submits nothing."""
    folder = tmp_path / "template_launches" / "2026-11-29_1"
    folder.mkdir(parents=True)
    service = Service()
    with running(service):
        file = folder / "job_object"
        result = submit(
            service, tmp_path, f"template_location={file}", "no_wait_until_finish"
        )
        assert result.has_job is False
        assert result.wait_until_finish() == "DONE"
    assert service.requests == []
    (pool,) = json.loads(file.read_text("utf-8"))["environment"]["workerPools"]
    assert pool["machineType"] == "c3-standard-8"


def test_the_first_state_is_known_at_once_without_waiting(tmp_path: Path) -> None:
    service = Service(states=[RUNNING])
    with running(service):
        result = submit(service, tmp_path, "no_wait_until_finish")
        assert result.state == "RUNNING"


def test_a_failed_job_tells_its_last_error(tmp_path: Path) -> None:
    service = Service(
        states=[RUNNING, FAILED],
        messages=[("BASIC", "Starting"), ("ERROR", "Quota N2_CPUS exceeded.\nAsk.")],
    )
    found = fault(service, tmp_path)
    assert type(found) is SystemicFault
    assert str(found).startswith(f"the job {ID}: got FAILED, Ask; see")


def test_a_failed_job_without_an_error_is_one_line_too(tmp_path: Path) -> None:
    found = fault(Service(states=[RUNNING, FAILED]), tmp_path)
    assert "no reason in its log" in str(found)


@pytest.mark.parametrize("kind", [SystemicFault, AboveThreshold, UsageError])
def test_a_workers_fault_keeps_its_class(tmp_path: Path, kind: type[JobFault]) -> None:
    text = (
        "Error message from worker: Traceback (most recent call last):\n"
        '  File "graph.py", line 9, in process\n'
        f"pipelines.faults.{kind.__name__}: the model m is gone; bring it back "
        "[while running 'Process']\n"
    )
    more = "A work item was attempted 4 times without success."
    service = Service(states=[FAILED], messages=[("ERROR", text), ("ERROR", more)])
    found = fault(service, tmp_path)
    assert type(found) is kind
    assert str(found) == "the model m is gone; bring it back"


def test_a_cancelled_job(tmp_path: Path) -> None:
    found = fault(Service(states=[RUNNING, "JOB_STATE_CANCELLED"]), tmp_path)
    assert type(found) is Interrupted
    assert found.exit_code == 130
    assert "run the same command again" in str(found)


def test_a_job_is_cancelled_by_the_launcher(tmp_path: Path) -> None:
    service = Service(states=[RUNNING])
    with running(service):
        result = submit(service, tmp_path)
        assert result.cancel() == "CANCELLED"
    (path,) = [path for method, path in service.requests if method == "PUT"]
    assert f"/jobs/{ID}" in path


@pytest.mark.parametrize(
    ("refusal", "kind", "keywords"),
    [
        ((403, "No permission."), SystemicFault, ("the answer 403", "roles")),
        ((400, "No such zone."), UsageError, ("the answer 400", "No such zone")),
        ((404, "No project."), UsageError, ("the answer 404", "check the flags")),
    ],
)
def test_a_refused_job_is_one_line(
    tmp_path: Path,
    refusal: tuple[int, str],
    kind: type[JobFault],
    keywords: tuple[str, ...],
) -> None:
    service = Service(refusal=refusal)
    found = fault(service, tmp_path)
    assert type(found) is kind
    assert "http" not in str(found)
    for keyword in keywords:
        assert keyword in str(found)
    assert [method for method, _ in service.requests] == ["POST"]


def test_a_name_that_another_job_has(tmp_path: Path) -> None:
    found = fault(Service(taken=True), tmp_path)
    assert type(found) is UsageError
    assert f"with id: {ID}" in str(found)
    assert "choose another name" in str(found)


def test_an_error_of_the_program_is_none_of_these() -> None:
    assert dataflow_outcome.fault_of(ZeroDivisionError()) is None


def test_missing_credentials_are_one_line() -> None:
    from google.api_core.exceptions import ServiceUnavailable, Unauthenticated
    from google.auth.exceptions import DefaultCredentialsError

    error = DefaultCredentialsError("Your default credentials were not found.\nTo")
    found = dataflow_outcome.fault_of(error)
    assert type(found) is SystemicFault
    assert "credentials were not found, expected the right" in str(found)
    found = dataflow_outcome.fault_of(Unauthenticated("Who are you?"))
    assert "got the answer 401, Who are you?" in str(found)
    found = dataflow_outcome.fault_of(ServiceUnavailable("Come back."))
    assert type(found) is SystemicFault
    assert "got the answer 503, Come back, expected it to take" in str(found)


def test_the_page_of_a_job() -> None:
    url = dataflow_outcome.console_url("my-photos-42", "europe-west4", ID)
    assert url.endswith(f"/dataflow/jobs/europe-west4/{ID}?project=my-photos-42")
