"""What tests of `fcn evaluate` share: plan, run, and compare figures."""

from pathlib import Path
from typing import Any

from fcn_core.records.record import SegmentationRecord
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.evaluate import finish, worker
from pipelines.evaluate.config import EvaluateConfig
from pipelines.evaluate.plan import Evaluation, plan_evaluation
from tests.drawn import tiny_shards

_NOT_COMPARED = {
    "seconds",
    "images_per_second",
    "command",
    "settings",
    "data_fingerprint",
}


def write(folder: Path, records: list[SegmentationRecord]) -> Path:
    return tiny_shards.write_finished(folder, {"val": records})


def plan(model: Path | str, data: Path, output: Path, *more: str) -> Evaluation:
    where = ["--model", str(model), "--data", str(data), "--output", str(output)]
    config, _ = EvaluateConfig.parse([*where, "--split", "val", *more])
    return plan_evaluation(config)


def run(
    evaluation: Evaluation, *, lane_count: int = 1, max_error_rate: float = 0.05
) -> dict[str, Any]:
    """Runs a job as the graph would, without Beam."""
    job = worker.job(
        evaluation, lanes=lane_count, max_error_rate=max_error_rate, command="fcn"
    )
    with Attempt() as attempt:
        total = sum(job.worker.process(range(job.chunks), attempt), Counts())
        job.finish(total, attempt)
    return finish.read_verdict(evaluation).model_dump(mode="json")


def comparable(figures: dict[str, Any]) -> dict[str, Any]:
    """Returns the figures that depend neither on the run nor on the cut."""
    return {name: figures[name] for name in figures if name not in _NOT_COMPARED}
