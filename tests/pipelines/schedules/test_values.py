"""What a scheduler needs must be there; what it has no use for is refused."""

import os
import sys
from pathlib import Path

import pytest

from pipelines.faults import UsageError
from pipelines.schedules.values import values_of
from tests.pipelines.schedules.stub import configured

CLOUD = {
    "image": "registry.example/fcn:1.0",
    "project": "my-photos-42",
    "region": "europe-west4",
    "service_account": "scorer@my-photos-42.iam.gserviceaccount.com",
    "nightly_config": "gs://my-bucket/nightly.yaml",
}


def test_paths_are_whole_whatever_the_folder_of_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    values = values_of(configured(tmp_path, "cron", nightly_config="sub/n.yaml"))
    assert values["nightly_config"] == os.fspath(tmp_path / "sub/n.yaml")
    assert values["folder"] == os.fspath(tmp_path / "sub")
    assert Path(values["program"]).is_absolute()


def test_without_a_program_on_the_path_it_is_this_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    values = values_of(configured(tmp_path, "cron"))
    assert values["program"] == os.fspath(Path(sys.executable).with_name("fcn"))


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("cron", {"image": "x:1"}, "--image: got x:1, expected nothing"),
        ("airflow", {"user": "photos"}, "--user"),
        ("systemd", {"project": "my-photos-42"}, "--project"),
        ("cron", {"retries": 5}, "--retries"),
        ("cloud-scheduler", CLOUD | {"retries": 1}, "--retries"),
        ("kubernetes", {}, "--image is missing"),
        ("cloud-scheduler", CLOUD | {"region": None}, "--region is missing"),
        ("cloud-scheduler", CLOUD | {"nightly_config": "n.yaml"}, "expected gs://"),
        ("cron", {"program": "fcn"}, "expected an absolute path"),
        ("cron", {"folder": "data"}, "expected an absolute path"),
        ("cron", {"nightly_config": "s3://b/n.yaml"}, "s3"),
    ],
)
def test_refuses(tmp_path: Path, kind: str, fields: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        values_of(configured(tmp_path, kind, **fields))
    assert says in str(refused.value)


def test_kubernetes_brings_a_local_configuration_along(tmp_path: Path) -> None:
    values = values_of(configured(tmp_path, "kubernetes", image="x:1"))
    assert values["config_text"] == "input: photos\n"
    assert values["nightly_config"] == "/etc/fcn/nightly.yaml"
    with pytest.raises(UsageError, match="expected a YAML file"):
        values_of(
            configured(tmp_path, "kubernetes", image="x:1", nightly_config="none.yaml")
        )
