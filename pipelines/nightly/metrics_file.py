"""Prometheus metrics of the last night of each output, for a textfile collector.

The file holds all outputs of a configuration: a night replaces its own output's lines
and keeps the others. What outlives a failure is the time of the last success.
"""

import datetime
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from pipelines import files
from pipelines.nightly.outcome import Outcome

Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Metric:
    """A gauge: its name, what it means, its labels besides `output`."""

    name: str
    text: str
    labels: tuple[str, ...] = ()


LAST_SUCCESS: Final = Metric(
    "fcn_night_last_success_timestamp_seconds",
    "When the last published night of the output ended, in seconds since the epoch.",
)
LAST_END: Final = Metric(
    "fcn_night_last_end_timestamp_seconds",
    "When the last night of the output ended, however it did.",
)
RUN_DATE: Final = Metric(
    "fcn_night_run_date_timestamp_seconds", "Midnight (UTC) of the last night's date."
)
VERDICT: Final = Metric(
    "fcn_night_verdict",
    "1 for how the last night ended, 0 for the others.",
    ("verdict",),
)
EXIT_CODE: Final = Metric("fcn_night_exit_code", "Exit code of the last night.")
PHOTOS: Final = Metric(
    "fcn_night_photos",
    "Photos of the last night: planned = ok + failed.",
    ("outcome",),
)
FAILURES: Final = Metric(
    "fcn_night_failures", "Failed photos of the last night by reason.", ("reason",)
)
SECONDS: Final = Metric(
    "fcn_night_duration_seconds", "Time of the last attempt at the last night."
)
RATE: Final = Metric(
    "fcn_night_images_per_second", "Photos a second of the last attempt."
)

METRICS: Final = (
    LAST_SUCCESS,
    LAST_END,
    RUN_DATE,
    VERDICT,
    EXIT_CODE,
    PHOTOS,
    FAILURES,
    SECONDS,
    RATE,
)
"""All of them, in the order of the file."""

_VERDICTS: Final = ("success", "failed", "broken")
_OUTCOMES: Final = ("planned", "ok", "failed", "skipped", "waiting")

Values: TypeAlias = dict[str, dict[Labels, float]]
"""Metric -> labels -> value."""


def write(
    path: str, outcome: Outcome, *, clock: Callable[[], float] = time.time
) -> None:
    """Writes the metrics of an outcome into a file, whole or not at all.

    Args:
        path: The file, which ends in .prom; its folder must be there.
        outcome: Of a night.
        clock: Returns seconds since the epoch.

    Raises:
        OSError: It cannot be written.
    """
    uri = files.to_uri(path)
    values = _without(_read(uri), outcome.output, but=LAST_SUCCESS.name)
    for metric, labels, value in _values(outcome, clock()):
        own = {"output": outcome.output, **labels}
        values.setdefault(metric.name, {})[tuple(own.items())] = value
    files.write_atomically(uri, _encode(values), durable=False, parents=False)


def _values(
    outcome: Outcome, now: float
) -> Iterator[tuple[Metric, Mapping[str, str], float]]:
    """Yields metric, labels and value of what an outcome says."""
    if outcome.verdict == "success":
        yield LAST_SUCCESS, {}, now
    yield LAST_END, {}, now
    yield RUN_DATE, {}, _midnight(outcome.run_date)
    for verdict in _VERDICTS:
        yield VERDICT, {"verdict": verdict}, float(verdict == outcome.verdict)
    yield EXIT_CODE, {}, outcome.exit_code
    if (summary := outcome.summary) is None:
        return
    for name in _OUTCOMES:
        yield PHOTOS, {"outcome": name}, getattr(summary, name)
    for reason, number in sorted(summary.failures.items()):
        yield FAILURES, {"reason": reason}, number
    yield SECONDS, {}, summary.seconds
    yield RATE, {}, summary.images_per_second


def _midnight(run_date: str) -> float:
    day = datetime.date.fromisoformat(run_date[:10])  # a replay's name goes on
    midnight = datetime.time(tzinfo=datetime.UTC)
    return datetime.datetime.combine(day, midnight).timestamp()


def _read(uri: str) -> Values:
    """Returns the values of a file; none where it is not there, or not ours."""
    from prometheus_client.parser import text_string_to_metric_families

    known, values = {metric.name for metric in METRICS}, Values()
    try:
        families = list(text_string_to_metric_families(files.read_bytes(uri).decode()))
    except (FileNotFoundError, ValueError):  # or damaged: it is made anew
        return values
    for sample in (sample for family in families for sample in family.samples):
        if sample.name in known:
            labels = tuple(sample.labels.items())
            values.setdefault(sample.name, {})[labels] = sample.value
    return values


def _without(values: Values, output: str, *, but: str) -> Values:
    """Returns values without those of an output, but for one metric."""
    return {
        name: {
            labels: value
            for labels, value in found.items()
            if name == but or ("output", output) not in labels
        }
        for name, found in values.items()
    }


def _encode(values: Values) -> bytes:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    for metric in METRICS:
        names = ("output", *metric.labels)
        gauge = Gauge(metric.name, metric.text, names, registry=registry)
        for labels, value in sorted(values.get(metric.name, {}).items()):
            if {name for name, _ in labels} == set(names):
                gauge.labels(**dict(labels)).set(value)
    return generate_latest(registry)
