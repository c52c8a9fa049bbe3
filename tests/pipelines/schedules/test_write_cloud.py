"""Documents for Kubernetes and Google Cloud, against what these publish."""

import base64
import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipelines.schedules.schema import Schema
from tests.pipelines.schedules.stub import python_with, rendered
from tests.pipelines.schedules.test_values import CLOUD

CRON_JOB, CONFIG_MAP = "io.k8s.api.batch.v1.CronJob", "io.k8s.api.core.v1.ConfigMap"
IMAGE = "registry.example/fcn:1.0"
CALL = ["fcn", "nightly", "--config"]


def _documents(home: Path, /, **fields: object) -> list[dict[str, Any]]:
    text = rendered(home, "kubernetes", image=IMAGE, **fields)["cronjob.yaml"]
    return list(yaml.safe_load_all(text))


def test_kubernetes_knows_every_field(tmp_path: Path) -> None:
    schema = Schema("kubernetes-1.37")
    odd = {"claim": "photos", "folder": '/data/my "50%": é', "service_account": "s1"}
    config_map, with_volume = _documents(tmp_path, **odd)
    assert schema.errors(CONFIG_MAP, config_map) == []
    assert config_map["data"] == {"nightly.yaml": "input: photos\n"}
    (bare,) = _documents(tmp_path, nightly_config="gs://my-bucket/n $(A).yaml")
    for job in (with_volume, bare):
        assert schema.errors(CRON_JOB, job) == []
    pod = with_volume["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    mounts = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
    assert mounts == {"config": "/etc/fcn", "data": odd["folder"]}
    assert [volume["name"] for volume in pod["volumes"]] == ["config", "data"]
    assert pod["containers"][0]["workingDir"] == odd["folder"]


def test_the_check_finds_what_kubernetes_does_not_know(tmp_path: Path) -> None:
    schema = Schema("kubernetes-1.37")
    _, job = _documents(tmp_path)
    changes: list[tuple[str, object]] = [
        ("concurencyPolicy", "Forbid"),
        ("schedule", 5),
        ("successfulJobsHistoryLimit", "3"),
    ]
    for name, value in changes:
        wrong = copy.deepcopy(job)
        wrong["spec"][name] = value
        assert len(schema.errors(CRON_JOB, wrong)) == 1
    del job["spec"]["schedule"]
    assert schema.errors(CRON_JOB, job) == [f"{CRON_JOB}.spec: schedule is missing"]


def test_kubernetes_runs_the_command_one_at_a_time(tmp_path: Path) -> None:
    _, job = _documents(tmp_path, at="04:05", retries=2, hours=6)
    spec = job["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("5 4 * * *", "Europe/Berlin")
    assert spec["concurrencyPolicy"] == "Forbid"
    run = spec["jobTemplate"]["spec"]
    assert (run["backoffLimit"], run["activeDeadlineSeconds"]) == (2, 6 * 3600)
    (container,) = run["template"]["spec"]["containers"]
    words = [*container["command"], *container["args"]]
    assert words == [*CALL, "/etc/fcn/nightly.yaml"]
    final, evicted = run["podFailurePolicy"]["rules"]
    assert final["action"] == "FailJob"
    assert final["onExitCodes"] == {
        "containerName": container["name"],
        "operator": "In",
        "values": [2, 3],
    }
    assert evicted["action"] == "Ignore"
    assert run["template"]["spec"]["restartPolicy"] == "Never"  # the policy needs it


def test_kubernetes_replaces_nothing_in_the_command(tmp_path: Path) -> None:
    uri = "gs://my-bucket/n $(HOME).yaml"
    (job,) = _documents(tmp_path, nightly_config=uri)
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    # As Kubernetes reads it: `$$(` is `$(`, and no variable.
    assert pod["containers"][0]["args"][-1].replace("$$(", "$(") == uri
    assert "$$(" in pod["containers"][0]["args"][-1]


def test_cloud_scheduler_and_cloud_run_know_every_field(tmp_path: Path) -> None:
    texts = rendered(tmp_path, "cloud-scheduler", **CLOUD)
    run = json.loads(texts["run-job.json"])
    call = json.loads(texts["scheduler-job.json"])
    assert Schema("run.v2").errors("GoogleCloudRunV2Job", run) == []
    assert Schema("cloudscheduler.v1").errors("Job", call) == []
    assert Schema("cloudscheduler.v1").errors("Job", call | {"timezone": "UTC"})
    task = run["template"]["template"]
    (container,) = task["containers"]
    words = [*container["command"], *container["args"]]
    assert words == [*CALL, CLOUD["nightly_config"]]
    assert (task["maxRetries"], task["timeout"]) == (0, "72000s")
    target = call["httpTarget"]
    assert target["uri"].endswith(
        "/v2/projects/my-photos-42/locations/europe-west4/jobs/fcn-nightly:run"
    )
    assert json.loads(base64.b64decode(target["body"])) == {}
    assert target["oauthToken"]["serviceAccountEmail"] == CLOUD["service_account"]
    assert (call["schedule"], call["timeZone"]) == ("30 3 * * *", "Europe/Berlin")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_published_validator_accepts_it(tmp_path: Path) -> None:
    """kubernetes-validate has the whole schemas, of every version."""
    python = python_with(
        "kubernetes-validate", tmp_path / "own", variable="FCN_KUBERNETES_PYTHON"
    )
    texts = rendered(tmp_path, "kubernetes", image=IMAGE, claim="photos")
    (tmp_path / "cronjob.yaml").write_text(texts["cronjob.yaml"])
    wrong = texts["cronjob.yaml"].replace("concurrencyPolicy", "concurencyPolicy")
    (tmp_path / "wrong.yaml").write_text(wrong)
    ends = [
        subprocess.run(
            [
                *(python, "-m", "kubernetes_validate", "--strict"),
                *("-k", "1.31", str(tmp_path / name)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        for name in ("cronjob.yaml", "wrong.yaml")
    ]
    assert ends[0].returncode == 0, ends[0].stdout + ends[0].stderr
    assert ends[1].returncode != 0
