"""The graph and the job that Dataflow would get, built without a connection."""

import base64
import bz2
import json
from pathlib import Path
from typing import Any

import pytest
from apache_beam.internal import pickler
from apache_beam.portability.api import beam_runner_api_pb2

from pipelines.runners import dataflow_preview
from tests.doubles.dataflow_flags import GPU, IMAGE, ON_GPU, options
from tests.doubles.dataflow_jobs import launched
from tests.doubles.loopback import loopback_only

pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
STEPS = ["Runs of chunks", "Spread", "Process", "Count", "Finish"]


@pytest.fixture(autouse=True)
def _offline() -> object:
    with loopback_only():
        yield


def job_of(tmp_path: Path, *changes: str, **named: Any) -> Any:
    return launched(options("dry_run=true", *changes, **named), tmp_path).job


def payloads(job: Any) -> dict[str, bytes]:
    """Returns what is pickled of each step that runs code, by the step's label."""
    found = {}
    for transform in job.proto_pipeline.components.transforms.values():
        if transform.spec.urn == "beam:transform:pardo:v1":
            pardo = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            found[transform.unique_name] = pardo.do_fn.payload
    return found


def test_the_graph_has_our_steps_in_their_order(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    assert dataflow_preview.steps(job)[:5] == STEPS
    assert not (tmp_path / "diary").exists(), "a dry run runs nothing"


def test_only_numbers_of_chunks_are_shuffled(tmp_path: Path) -> None:
    components = job_of(tmp_path).proto_pipeline.components
    groupings = [
        transform.unique_name
        for transform in components.transforms.values()
        if transform.spec.urn == "beam:transform:group_by_key:v1"
    ]
    assert sorted(name.partition("/")[0] for name in groupings) == ["Count", "Spread"]


def test_our_code_travels_by_name_and_without_lambdas(tmp_path: Path) -> None:
    ours = {
        label: payload
        for label, payload in payloads(job_of(tmp_path)).items()
        if label in ("Process", "Finish") or label.endswith("CombineValuesDoFn)")
    }
    assert len(ours) == 3
    for label, payload in ours.items():
        code = pickler.loads(payload)[0]
        code = getattr(code, "combinefn", code)
        assert type(code).__module__ == "pipelines.runners.graph", label
        raw = bz2.decompress(base64.b64decode(payload))
        assert b"pipelines.runners.graph" in raw
        for by_value in (b"<lambda>", b"_make_function", b"__main__"):
            assert by_value not in raw, label


def test_all_steps_run_in_the_image(tmp_path: Path) -> None:
    environments = job_of(tmp_path).proto_pipeline.components.environments
    images = {
        beam_runner_api_pb2.DockerPayload.FromString(each.payload).container_image
        for each in environments.values()
    }
    assert images == {IMAGE}
    staged = [
        beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(
            each.role_payload
        ).staged_name
        for environment in environments.values()
        for each in environment.dependencies
    ]
    # What is installed here, for the service's log; nothing that a worker installs.
    assert set(staged) <= {"submission_environment_dependencies.txt"}


def test_the_job_on_processors(tmp_path: Path) -> None:
    job = job_of(
        tmp_path,
        "job_name=nightly-2026-11-29",
        "labels=team=photos",
        "num_workers=2",
        "service_account_email=scorer@my-photos-42.iam.gserviceaccount.com",
        "subnetwork=regions/europe-west4/subnetworks/photos",
        "no_use_public_ips",
        "flexrs_goal=COST_OPTIMIZED",
    )
    content = dataflow_preview.job_description(job)
    assert content["name"] == "nightly-2026-11-29"
    assert content["type"] == "JOB_TYPE_BATCH"
    assert content["labels"] == {"team": "photos"}
    environment = content["environment"]
    assert environment["serviceAccountEmail"].startswith("scorer@")
    assert environment["flexResourceSchedulingGoal"] == "FLEXRS_COST_OPTIMIZED"
    assert environment["tempStoragePrefix"].startswith(
        "storage.googleapis.com/my-bucket/temp/nightly-2026-11-29."
    )
    assert {"use_runner_v2", "no_use_multiple_sdk_containers"} <= {
        *environment["experiments"]
    }
    assert "use_multiple_sdk_containers" not in environment["experiments"]
    (pool,) = environment["workerPools"]
    assert pool["machineType"] == "c3-standard-8"
    assert pool["numWorkers"] == 2
    assert pool["autoscalingSettings"] == {
        "algorithm": "AUTOSCALING_ALGORITHM_BASIC",
        "maxNumWorkers": 20,
    }
    assert pool["numThreadsPerWorker"] == 2
    assert pool["ipConfiguration"] == "WORKER_IP_PRIVATE"
    assert pool["subnetwork"] == "regions/europe-west4/subnetworks/photos"
    (image,) = pool["sdkHarnessContainerImages"]
    assert image["containerImage"] == pool["workerHarnessContainerImage"] == IMAGE
    options_there = environment["sdkPipelineOptions"]["options"]
    assert options_there["save_main_session"] is False
    assert options_there["sdk_location"] == "container"


def test_the_job_on_gpus(tmp_path: Path) -> None:
    content = dataflow_preview.job_description(job_of(tmp_path, base=ON_GPU))
    environment = content["environment"]
    assert environment["serviceOptions"] == [GPU]
    (pool,) = environment["workerPools"]
    assert pool["machineType"] == "g2-standard-8"
    assert pool["diskSizeGb"] == 50


def test_a_fixed_number_of_workers(tmp_path: Path) -> None:
    job = job_of(tmp_path, "autoscaling_algorithm=NONE", "num_workers=20")
    (pool,) = dataflow_preview.job_description(job)["environment"]["workerPools"]
    assert pool["autoscalingSettings"]["algorithm"] == "AUTOSCALING_ALGORITHM_NONE"
    assert pool["numWorkers"] == 20


def test_hints_are_in_the_steps_environment(tmp_path: Path) -> None:
    job = job_of(tmp_path, "resource_hints=min_ram=16GB", "-machine_type")
    (environment,) = job.proto_pipeline.components.environments.values()
    assert dict(environment.resource_hints) == {
        "beam:resources:min_ram_bytes:v1": b"16000000000"
    }


def test_the_preview_has_what_costs_and_what_runs(tmp_path: Path) -> None:
    job = job_of(tmp_path, "labels=team=photos", "job_name=nightly", base=ON_GPU)
    shown = dataflow_preview.preview(job)
    assert shown["machine_type"] == "g2-standard-8"
    assert (shown["max_num_workers"], shown["num_workers"]) == (20, None)
    assert shown["image"] == IMAGE
    assert shown["service_options"] == [GPU]
    assert shown["labels"] == {"team": "photos"}
    assert shown["steps"][:5] == STEPS
    assert json.loads(json.dumps(shown)) == shown
    text = dataflow_preview.lines(shown)
    assert "num_workers" not in [line.split()[0] for line in text]
    assert f"image             {IMAGE}" in text
    assert "public_addresses  yes" in text
    assert "labels            team=photos" in text
