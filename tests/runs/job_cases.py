"""The four jobs as cases: planned as often as a test likes, without Beam."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.chunks.parts import Parts
from pipelines.convert import worker as convert_worker
from pipelines.convert.config import ConvertVocConfig
from pipelines.convert.drafts.draft import make_draft
from pipelines.convert.drafts.pascal import draft_voc
from pipelines.convert.plan import plan_conversion
from pipelines.evaluate import worker as evaluate_worker
from pipelines.evaluate.config import EvaluateConfig
from pipelines.evaluate.plan import plan_evaluation
from pipelines.score import nights
from pipelines.score import worker as score_worker
from pipelines.score.config import ScoreConfig
from pipelines.statistics import worker as statistics_worker
from pipelines.statistics.plan import plan_statistics
from tests.runs import score_runs
from tests.runs.trees import everything

Result = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Case:
    """A job that tests can begin as often as they like.

    Attributes:
        plan: Plans the job into a folder, or finds it planned.
        result: What it has published there, all that a run decides.
    """

    plan: Callable[[Path], tuple[ChunkJob, Parts]]
    result: Callable[[Path], Result]

    def begin(self, out: Path) -> tuple[ChunkJob, Parts]:
        job, parts = self.plan(out)
        assert job.chunks >= 3
        return job, parts

    def run(self, out: Path, attempt: Attempt) -> tuple[Counts, Result]:
        """Runs what is left of the job to its end."""
        job, _ = self.begin(out)
        total = work(job, range(job.chunks), attempt)
        job.finish(total, attempt)
        return total, self.result(out)


def work(job: ChunkJob, chunks: range, attempt: Attempt) -> Counts:
    return sum(job.worker.process(chunks, attempt), Counts())


def convert_case(tree: Path) -> Case:
    def plan(out: Path) -> tuple[ChunkJob, Parts]:
        config = ConvertVocConfig(input=str(tree), output=str(out), num_shards=2)
        draft = make_draft(draft_voc, config)
        conversion = plan_conversion(draft, str(out), num_shards=2, allow_leak=False)
        assert conversion is not None
        job = convert_worker.job(conversion, lanes=1, max_error_rate=0.0)
        return job, conversion.parts

    def result(out: Path) -> Result:
        is_published = (out / "COMPLETED").exists()
        return dict(everything(out)) if is_published else {}

    return Case(plan, result)


def score_case(tree: Path, bundle: Path) -> Case:
    def plan(out: Path) -> tuple[ChunkJob, Parts]:
        more = ("--model", str(bundle), "--chunk_size", "3")
        words = score_runs.words(tree / "JPEGImages", out, *more)
        night = nights.plan_night(ScoreConfig.parse(words[1:])[0])
        options: dict[str, Any] = {"max_error_rate": 0.0, "command": "fcn score"}
        return score_worker.job(night, lanes=1, **options), night.parts

    def result(out: Path) -> Result:
        published = [*out.glob("scores/*/*"), *out.glob("masks/**/*.png")]
        is_published = any(path.name == "_SUCCESS" for path in published)
        return {path.name: path.read_bytes() for path in published if is_published}

    return Case(plan, result)


def evaluate_case(data: Path, bundle: Path) -> Case:
    def plan(out: Path) -> tuple[ChunkJob, Parts]:
        words = ["--model", str(bundle), "--data", str(data), "--split", "train"]
        words += ["--output", str(out / "figures.json"), "--chunk_size", "2"]
        evaluation = plan_evaluation(EvaluateConfig.parse(words)[0])
        options: dict[str, Any] = {"max_error_rate": 0.0, "command": "fcn evaluate"}
        job = evaluate_worker.job(evaluation, lanes=1, **options)
        return job, evaluation.parts

    def result(out: Path) -> Result:
        if not (out / "figures.json").exists():
            return {}
        figures = json.loads((out / "figures.json").read_text())
        for name in ("seconds", "images_per_second"):
            del figures[name]
        photos = (out / "figures.photos.parquet").read_bytes()
        return {"figures": figures, "photos": photos}

    return Case(plan, result)


def statistics_case(data: Path) -> Case:
    def plan(out: Path) -> tuple[ChunkJob, Parts]:
        statistics = plan_statistics(str(data), str(out / "statistics.json"))
        return statistics_worker.job(statistics), statistics.parts

    def result(out: Path) -> Result:
        answer = out / "statistics.json"
        return json.loads(answer.read_text()) if answer.exists() else {}

    return Case(plan, result)
