"""The metrics of nights, as Prometheus' own parser reads them."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("prometheus_client", reason="pip install prometheus-client")

from prometheus_client.parser import text_string_to_metric_families

from pipelines.nightly import metrics_file
from pipelines.nightly.metrics_file import METRICS, write
from tests.drawn import outcomes

MIDNIGHT = 1_795_132_800.0
"""2026-11-20T00:00:00Z."""


def samples(path: Path, output: str = outcomes.OUT) -> dict[str, float]:
    """Returns `name` or `name{value}` -> value of an output."""
    found = {}
    for family in text_string_to_metric_families(path.read_text()):
        for sample in family.samples:
            labels = dict(sample.labels)
            if labels.pop("output") == output:
                (more,) = [f"{{{v}}}" for v in labels.values()] or [""]
                found[sample.name.removeprefix("fcn_night_") + more] = sample.value
    return found


def tell(path: Path, outcome: Any, now: float) -> dict[str, float]:
    write(str(path), outcome, clock=lambda: now)
    return samples(path, outcome.output)


def test_a_success(tmp_path: Path) -> None:
    assert tell(tmp_path / "fcn.prom", outcomes.success(), 1000.0) == {
        "last_success_timestamp_seconds": 1000.0,
        "last_end_timestamp_seconds": 1000.0,
        "run_date_timestamp_seconds": MIDNIGHT,
        "verdict{success}": 1.0,
        "verdict{failed}": 0.0,
        "verdict{broken}": 0.0,
        "exit_code": 0.0,
        "photos{planned}": 10.0,
        "photos{ok}": 8.0,
        "photos{failed}": 2.0,
        "photos{skipped}": 5.0,
        "photos{waiting}": 1.0,
        "failures{corrupt}": 1.0,
        "failures{empty}": 1.0,
        "duration_seconds": 4.0,
        "images_per_second": 2.5,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["fcn.prom"]


def test_the_last_success_outlives_a_failure_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    path = tmp_path / "fcn.prom"
    tell(path, outcomes.success(), 1000.0)
    failed = tell(path, outcomes.broken(), 2000.0)
    assert failed == {
        "last_success_timestamp_seconds": 1000.0,
        "last_end_timestamp_seconds": 2000.0,
        "run_date_timestamp_seconds": MIDNIGHT,
        "verdict{success}": 0.0,
        "verdict{failed}": 0.0,
        "verdict{broken}": 1.0,
        "exit_code": 1.0,
    }
    again = tell(path, outcomes.success(recovered=True), 3000.0)
    assert again["last_success_timestamp_seconds"] == 3000.0


def test_outputs_lie_side_by_side(tmp_path: Path) -> None:
    path, other = tmp_path / "fcn.prom", 'gs://b/o"dd\\\n{}'
    first = tell(path, outcomes.success(), 1000.0)
    second = tell(path, outcomes.failure(output=other), 2000.0)
    assert samples(path) == first
    assert second["verdict{failed}"] == 1.0
    assert "last_success_timestamp_seconds" not in second
    assert samples(path, other) == second


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "fcn.prom"
    path.write_text("fcn_night_exit_code{output= 5\n")
    assert tell(path, outcomes.failure(), 1000.0)["exit_code"] == 3.0


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(str(tmp_path / "typo/fcn.prom"), outcomes.success())


def test_each_metric_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "fcn.prom"
    write(str(path), outcomes.success())
    helped = {
        family.name: family.documentation
        for family in text_string_to_metric_families(path.read_text())
    }
    assert helped == {metric.name: metric.text for metric in METRICS}


def test_a_replay_has_the_date_of_its_night(tmp_path: Path) -> None:
    outcome = outcomes.success(run_date="2026-11-20.replay-1")
    found = tell(tmp_path / "fcn.prom", outcome, 1.0)
    assert found["run_date_timestamp_seconds"] == MIDNIGHT
    assert metrics_file.RUN_DATE in METRICS
