"""Flags of Beam are checked as a job would; what they name must answer."""

import socket

import pytest

from pipelines.doctor.config import DoctorConfig
from pipelines.doctor.engines import check_engine, check_flags
from pipelines.faults import SystemicFault, UsageError
from tests.doubles.gcs import free_port

DATAFLOW = [
    "--runner=DataflowRunner",
    "--project=my-photos-42",
    "--region=europe-west4",
    "--temp_location=gs://my-bucket/temp",
    "--sdk_container_image=europe-west4-docker.pkg.dev/my-photos-42/fcn/worker:1.0",
    "--machine_type=c3-standard-8",
    "--max_num_workers=20",
]


def _config(**changes: str) -> DoctorConfig:
    fields = {"engine": "openvino", "precision": "f32", "instruction_set": "avx512"}
    return DoctorConfig.model_validate(fields | {"output": "gs://b-1/out"} | changes)


def test_flags_of_dataflow_are_valid() -> None:
    found = check_engine(_config(), DATAFLOW)
    assert found.level == "ok"
    assert found.detail.startswith("DataflowRunner, workers on other machines")


def test_a_rule_of_dataflow_is_a_fault() -> None:
    with pytest.raises(UsageError, match="region"):
        check_engine(_config(), [*DATAFLOW, "--region=europe-west4-b"])


def test_a_flag_that_nobody_knows_ends_the_command() -> None:
    with pytest.raises(UsageError, match="--max_num_workers"):
        check_flags(_config(), ["--max_num_worker=3"])


def test_a_server_that_is_not_there_is_a_fault() -> None:
    flags = [
        "--runner=PortableRunner",
        f"--job_endpoint=localhost:{free_port()}",
        "--environment_type=LOOPBACK",
    ]
    with pytest.raises(SystemicFault, match="--job_endpoint: got no answer"):
        check_engine(_config(), flags)


def test_a_cluster_that_listens_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/usr")
    with socket.create_server(("localhost", 0)) as server:
        flags = [
            "--runner=FlinkRunner",
            f"--flink_master=localhost:{server.getsockname()[1]}",
            "--environment_type=LOOPBACK",
        ]
        found = check_engine(_config(), flags)
    assert (found.level, found.detail.split(",")[0]) == ("ok", "FlinkRunner")
