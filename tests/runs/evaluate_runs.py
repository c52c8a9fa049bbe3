"""Evaluations of drawn records, planned and run without Beam."""

from pathlib import Path
from typing import Any

from fcn_core.records.record import SegmentationRecord
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.evaluate import finish, worker
from pipelines.evaluate.config import EvaluateConfig
from pipelines.evaluate.plan import plan_evaluation
from tests.drawn import tiny_shards

NOT_DECIDED = ("seconds", "images_per_second", "command", "settings")


def write(folder: Path, records: list[SegmentationRecord]) -> Path:
    return tiny_shards.write_finished(folder, {"val": records})


def plan(model: Path | str, data: Path, output: Path, *more: str) -> Any:
    where = ["--model", str(model), "--data", str(data), "--output", str(output)]
    config, _ = EvaluateConfig.parse([*where, "--split", "val", *more])
    return plan_evaluation(config)


def run(
    evaluation: Any, *, lane_count: int = 1, max_error_rate: float = 0.05
) -> dict[str, Any]:
    """Runs a job as the graph would, without Beam."""
    job = worker.job(
        evaluation, lanes=lane_count, max_error_rate=max_error_rate, command="fcn"
    )
    with Attempt() as attempt:
        total = sum(job.worker.process(range(job.chunks), attempt), Counts())
        job.finish(total, attempt)
    return finish.read_verdict(evaluation).model_dump(mode="json")


def measured(figures: dict[str, Any]) -> dict[str, Any]:
    left_out = (*NOT_DECIDED, "data_fingerprint")
    return {name: value for name, value in figures.items() if name not in left_out}
