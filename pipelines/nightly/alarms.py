"""Alarms about nights, built on the metrics file: for Prometheus and Cloud Monitoring.

Both evaluate the same expressions: Cloud Monitoring takes PromQL, and gets the metrics
from an agent that reads the file or scrapes the exporter.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import yaml

from pipelines import files
from pipelines.nightly.metrics_file import (
    FAILURES,
    LAST_END,
    LAST_SUCCESS,
    PHOTOS,
    SECONDS,
    VERDICT,
)


@dataclass(frozen=True)
class Alarm:
    """A condition that somebody must know of.

    Attributes:
        name: As alarms are called; the runbook has a paragraph of this name.
        severity: `page`: now; `ticket`: in working hours.
        expression: PromQL; it holds for each output that has something to alarm about.
        minutes: How long it must hold.
        summary: A sentence; `{{ $labels.output }}` is filled in.
    """

    name: str
    severity: Literal["page", "ticket"]
    expression: str
    minutes: int
    summary: str


_HOURS: Final = 26
_UNREADABLE: Final = "permission-denied|io-error|vanished|changed-while-reading"

ALARMS: Final = (
    Alarm(
        "FcnNoSuccess",
        "page",
        f"time() - max by (output) ({LAST_SUCCESS.name}) > {_HOURS} * 3600",
        10,
        f"No published night of {{{{ $labels.output }}}} in {_HOURS} hours.",
    ),
    Alarm(
        "FcnNeverSucceeded",
        "ticket",
        f"{LAST_END.name} unless on (output) {LAST_SUCCESS.name}",
        60,
        "{{ $labels.output }} has never had a published night.",
    ),
    Alarm(
        "FcnNightFailed",
        "page",
        f'{VERDICT.name}{{verdict="failed"}} == 1',
        0,
        "A gate closed: the last night of {{ $labels.output }} is not published.",
    ),
    Alarm(
        "FcnNightBroken",
        "page",
        f'{VERDICT.name}{{verdict="broken"}} == 1',
        0,
        "The last night of {{ $labels.output }} broke off; it can be run again.",
    ),
    Alarm(
        "FcnManyFailures",
        "ticket",
        f'sum by (output) ({PHOTOS.name}{{outcome="failed"}}) > 0.01 * '
        f'sum by (output) ({PHOTOS.name}{{outcome="planned"}})',
        0,
        "More than 1% of the last night's photos of {{ $labels.output }} failed.",
    ),
    Alarm(
        "FcnInputUnreadable",
        "ticket",
        f'sum by (output) ({FAILURES.name}{{reason=~"{_UNREADABLE}"}}) > 0',
        0,
        "Photos of {{ $labels.output }} could not be read where they lie.",
    ),
    Alarm(
        "FcnSlowNight",
        "ticket",
        f"{SECONDS.name} > 600 and {SECONDS.name} > 2 * "
        f"avg_over_time({SECONDS.name}[14d])",
        0,
        "The last night of {{ $labels.output }} took twice its usual time.",
    ),
)
"""All alarms, the most urgent first."""


def write(
    system: str, folder: str, *, runbook: str | None, notify: str | None
) -> list[str]:
    """Writes the alarms for a monitoring system; returns the files.

    Args:
        system: `prometheus` or `cloud-monitoring`.
        folder: Where the files go.
        runbook: Address of the runbook, without an anchor.
        notify: Notification channel of Cloud Monitoring.
    """
    if system == "prometheus":
        contents = {"fcn_rules.yaml": rules(runbook)}
    else:
        contents = {
            f"{file_name(alarm)}.json": json.dumps(policy, indent=1) + "\n"
            for alarm, policy in policies(runbook, notify)
        }
    uris = {files.join(folder, name): text for name, text in contents.items()}
    for uri, text in uris.items():
        files.write_atomically(uri, text.encode())
    return list(uris)


def rules(runbook: str | None) -> str:
    """Returns the alarms as a file of Prometheus' alerting rules."""
    group = {"name": "fcn", "rules": [_rule(alarm, runbook) for alarm in ALARMS]}
    return yaml.safe_dump({"groups": [group]}, sort_keys=False, width=1000)


def _rule(alarm: Alarm, runbook: str | None) -> dict[str, Any]:
    annotations = {"summary": alarm.summary}
    if runbook is not None:
        annotations["runbook_url"] = address(runbook, alarm)
    return {
        "alert": alarm.name,
        "expr": alarm.expression,
        "for": f"{alarm.minutes}m",
        "labels": {"severity": alarm.severity},
        "annotations": annotations,
    }


def policies(
    runbook: str | None, notify: str | None
) -> Iterator[tuple[Alarm, dict[str, Any]]]:
    """Yields each alarm as an AlertPolicy of Cloud Monitoring."""
    for alarm in ALARMS:
        text = alarm.summary.replace(
            "{{ $labels.output }}", "${metric_or_resource.label.output}"
        )
        if runbook is not None:
            text += f"\n\nWhat to do: {address(runbook, alarm)}"
        condition = {
            "query": alarm.expression,
            "duration": f"{60 * alarm.minutes}s",
            "evaluationInterval": "60s",
            "alertRule": alarm.name,
            "ruleGroup": "fcn",
            "labels": {"severity": alarm.severity},
        }
        yield (
            alarm,
            {
                "displayName": alarm.name,
                "documentation": {"content": text, "mimeType": "text/markdown"},
                "combiner": "OR",
                "conditions": [
                    {
                        "displayName": alarm.name,
                        "conditionPrometheusQueryLanguage": condition,
                    }
                ],
                "alertStrategy": {"autoClose": "604800s"},
                "severity": "CRITICAL" if alarm.severity == "page" else "WARNING",
                "userLabels": {"project": "fcn"},
                "enabled": True,
                "notificationChannels": [] if notify is None else [notify],
            },
        )


def file_name(alarm: Alarm) -> str:
    """Returns an alarm's name as a file's: `fcn-no-success`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alarm.name).lower()


def address(runbook: str, alarm: Alarm) -> str:
    """Returns where the runbook has the paragraph of an alarm."""
    return f"{runbook}#{alarm.name.lower()}"
