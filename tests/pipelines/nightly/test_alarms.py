"""Alarms as monitoring systems take them, on metrics that there are."""

import json
import re
from pathlib import Path

import pytest
import yaml

from pipelines.nightly import alarms
from pipelines.nightly.alarms import ALARMS
from pipelines.nightly.metrics_file import METRICS
from tests.runs.score_runs import fcn

RUNBOOK = "https://wiki.example/runbook.md"


def test_expressions_know_the_metrics_and_their_labels() -> None:
    labels = {metric.name: {"output", *metric.labels} for metric in METRICS}
    for alarm in ALARMS:
        names = re.findall(r"fcn_\w+", alarm.expression)
        assert names and set(names) <= labels.keys()
        chosen = re.findall(r"(fcn_\w+)\{(\w+)=", alarm.expression)
        assert all(label in labels[name] for name, label in chosen)
    assert len({alarm.name for alarm in ALARMS}) == len(ALARMS)


def test_rules_of_prometheus(tmp_path: Path) -> None:
    ended = fcn("alerts", "prometheus", "--output", tmp_path, "--runbook", RUNBOOK)
    path = tmp_path / "fcn_rules.yaml"
    assert (ended.code, ended.stdout) == (0, f"{path}\n")
    (group,) = yaml.safe_load(path.read_text())["groups"]
    for alarm, rule in zip(ALARMS, group["rules"], strict=True):
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert (rule["alert"], rule["expr"]) == (alarm.name, alarm.expression)
        url = rule["annotations"]["runbook_url"]
        assert url == f"{RUNBOOK}#{alarm.name.lower()}"


def test_policies_of_cloud_monitoring(tmp_path: Path) -> None:
    """Google's own class takes each file: no field is unknown or of another type."""
    monitoring = pytest.importorskip(
        "google.cloud.monitoring_v3", reason="pip install 'fcn[gcp]'"
    )
    channel = "projects/p/notificationChannels/7"
    words = ("alerts", "cloud-monitoring", "--output", tmp_path, "--notify", channel)
    ended = fcn(*words, "--json")
    paths = [Path(path) for path in json.loads(ended.stdout)["files"]]
    assert len(paths) == len(ALARMS)
    assert paths[0].name == "fcn-no-success.json"
    for alarm, path in zip(ALARMS, paths, strict=True):
        policy = monitoring.AlertPolicy.from_json(
            path.read_text(), ignore_unknown_fields=False
        )
        (condition,) = policy.conditions
        query = condition.condition_prometheus_query_language
        assert query.query == alarm.expression
        assert query.duration.total_seconds() == 60 * alarm.minutes
        assert list(policy.notification_channels) == [channel]
        assert "{{" not in policy.documentation.content


def test_a_channel_of_another_form_is_refused(tmp_path: Path) -> None:
    ended = fcn("alerts", "cloud-monitoring", "--output", tmp_path, "--notify", "me")
    assert ended.code == 2
    assert alarms.file_name(ALARMS[0]) == "fcn-no-success"
