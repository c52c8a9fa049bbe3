"""What is added to a job for Dataflow, and what is left as the person gave it."""

import sys

import pytest
from apache_beam.options.pipeline_options import TestOptions

from pipelines.faults import UsageError
from pipelines.runners import dataflow
from tests.doubles.dataflow_flags import ON_GPU, options, words
from tests.doubles.loopback import loopback_only

pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")


@pytest.fixture(autouse=True)
def _offline() -> object:
    with loopback_only():
        yield


def test_what_is_left_open_is_completed() -> None:
    taken = options().get_all_options()
    assert taken["runner"] == "DataflowRunner"
    assert taken["save_main_session"] is False
    assert taken["experiments"] == ["no_use_multiple_sdk_containers"]
    assert taken["sdk_location"] == "container"
    assert taken["staging_location"] == taken["temp_location"] == "gs://my-bucket/temp"
    assert taken["autoscaling_algorithm"] == "THROUGHPUT_BASED"
    assert taken["number_of_worker_harness_threads"] == 2
    assert taken["disk_size_gb"] is None


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ("staging_location=gs://my-bucket/staged", "staging_location", None),
        ("experiments=upload_graph", "experiments", ["upload_graph"]),
        ("number_of_worker_harness_threads=4", "number_of_worker_harness_threads", 4),
        ("autoscaling_algorithm=THROUGHPUT_BASED", "autoscaling_algorithm", None),
        ("num_workers=3", "num_workers", 3),
        ("min_cpu_platform=Intel Ice Lake", "min_cpu_platform", None),
        ("no_use_public_ips=", "use_public_ips", None),
    ],
)
def test_what_is_given_stays(change: str, name: str, value: object) -> None:
    if change == "no_use_public_ips=":
        taken = options("no_use_public_ips", "network=default").get_all_options()
        assert taken["use_public_ips"] is False
        return
    taken = options(change).get_all_options()[name]
    expected = change.partition("=")[2] if value is None else value
    if isinstance(expected, list):
        assert taken[: len(expected)] == expected
    else:
        assert taken == expected


def test_every_flag_that_is_given_is_in_the_result() -> None:
    given = options(base=ON_GPU).get_all_options()
    for name in ON_GPU:
        wanted = ON_GPU[name]
        taken = given[name]
        assert taken == [wanted] or str(taken) == wanted


def test_a_templates_launcher_never_waits() -> None:
    file = "gs://my-bucket/staging/template_launches/2026-11-29_1/job_object"
    assert options(f"template_location={file}").get_all_options()[
        "no_wait_until_finish"
    ]
    assert not options().get_all_options()["no_wait_until_finish"]


@pytest.mark.parametrize(
    ("value", "dry"), [("true", True), ("True", True), ("false", False), (None, False)]
)
def test_dry_run_is_true_or_false(value: str | None, dry: bool) -> None:
    taken = options(*([] if value is None else [f"dry_run={value}"]))
    assert taken.view_as(TestOptions).dry_run is dry


@pytest.mark.parametrize("module", ["google.cloud.dataflow", "google.cloud.storage"])
def test_without_the_packages_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=r"pip install 'fcn\[gcp\]'") as caught:
        dataflow.options(
            words(), output="gs://my-bucket/out", engine="openvino", precision="f32"
        )
    assert module in str(caught.value)
    assert "\n" not in str(caught.value)
