"""Where Dataflow runs and stores a job: every rule refuses in one line."""

import pytest

from tests.doubles.dataflow_flags import options, refusal
from tests.doubles.loopback import loopback_only

pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
SUBNET = "regions/europe-west4/subnetworks/photos"


@pytest.fixture(autouse=True)
def _offline() -> object:
    with loopback_only():
        yield


@pytest.mark.parametrize(
    ("change", "keywords"),
    [
        ("-project", ("--project: got nothing", "ID", "bills")),
        ("project=123456789012", ("got 123456789012", "neither its number")),
        ("project=My Photos", ("got My Photos", "nor its title")),
        ("-region", ("--region: got nothing", "europe-west4")),
        ("region=europe-west4-a", ("got europe-west4-a", "not a zone")),
        ("region=", ("--region: got an empty value",)),
        ("worker_region=europe", ("--worker_region: got europe", "a region such")),
        ("worker_zone=europe-west4", ("--worker_zone", "a zone such as")),
        ("zone=europe-west4-a", ("--zone", "--worker_zone, its present name")),
        ("-temp_location", ("--temp_location: got nothing", "gs://my-bucket/folder")),
        ("temp_location=/tmp/x", ("got /tmp/x", "Dataflow keeps its own files")),
        ("temp_location=gs://ab/temp", ("got gs://ab/temp", "3 or more")),
        ("temp_location=gs://My-Bucket/t", ("lower-case",)),
        ("temp_location=gs://my-bucket", ("gs://my-bucket/folder",)),
        ("temp_location=s3://my-bucket/t", ("got s3://my-bucket/t", "gs://")),
        ("temp_location=gs://my-bucket/a\nb", ("without line breaks",)),
        ("staging_location=/tmp/x", ("--staging_location", "fetch the graph")),
        ("staging_location=gs://a/x", ("--staging_location", "3 or more")),
        ("service_account_email=scorer", ("got scorer", "gserviceaccount.com")),
        ("service_account_email=me@gmail.com", ("got me@gmail.com",)),
        (
            "impersonate_service_account=a@p-1.iam.gserviceaccount.com,b",
            ("--impersonate_service_account: got b",),
        ),
        ("network=My Net", ("--network: got My Net", "default")),
        ("subnetwork=photos", ("--subnetwork", "regions/REGION/subnetworks/NAME")),
        (
            "subnetwork=regions/us-east1/subnetworks/photos",
            ("one in europe-west4, where the workers are",),
        ),
        ("no_use_public_ips", ("neither --network nor", "Private Google Access")),
    ],
)
def test_a_wrong_place_is_refused(change: str, keywords: tuple[str, ...]) -> None:
    line = refusal(change)
    for keyword in keywords:
        assert keyword in line


@pytest.mark.parametrize(
    ("output", "keywords"),
    [
        ("/data/out", ("--output: got /data/out", "do not see this machine's disk")),
        ("gs://ab/out", ("--output", "3 or more")),
        ("s3://my-bucket/out", ("--output", "gs://")),
    ],
)
def test_an_output_that_workers_do_not_see(
    output: str, keywords: tuple[str, ...]
) -> None:
    line = refusal(output=output)
    for keyword in keywords:
        assert keyword in line


def test_two_places_for_workers_are_refused() -> None:
    line = refusal("worker_region=europe-west1", "worker_zone=europe-west1-b")
    assert "leave out one" in line


@pytest.mark.parametrize(
    "changes",
    [
        ("project=example.com:my-photos-42",),
        ("region=northamerica-northeast1",),
        ("worker_zone=europe-west4-b",),
        ("worker_region=europe-west1",),
        ("temp_location=gs://my-bucket/",),
        ("temp_location=gs://my_bucket.example.com/a/b",),
        ("service_account_email=scorer@my-photos-42.iam.gserviceaccount.com",),
        ("service_account_email=123-compute@developer.gserviceaccount.com",),
        ("network=default",),
        ("network=projects/host/global/networks/shared",),
        (f"subnetwork={SUBNET}", "no_use_public_ips"),
        ("network=default", "no_use_public_ips"),
        (
            "subnetwork=https://www.googleapis.com/compute/v1/projects/host/" + SUBNET,
            "worker_zone=europe-west4-b",
        ),
        (
            "worker_zone=us-east1-b",
            "subnetwork=regions/us-east1/subnetworks/photos",
        ),
    ],
)
def test_a_right_place_is_taken_as_it_is(changes: tuple[str, ...]) -> None:
    taken = options(*changes).get_all_options()
    for change in changes:
        name, equals, value = change.partition("=")
        if equals:
            assert taken[name] == value


def test_a_stand_in_on_this_machine_needs_no_buckets() -> None:
    endpoint = "dataflow_endpoint=http://localhost:8080"
    taken = options(
        endpoint, "-temp_location", "staging_location=/tmp/staged", output="/tmp/out"
    ).get_all_options()
    assert taken["temp_location"] == taken["staging_location"] == "/tmp/staged"
    assert "a folder of this machine" in refusal(endpoint, "-temp_location")
