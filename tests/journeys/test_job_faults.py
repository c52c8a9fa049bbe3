"""Four jobs, one promise: whatever happens to an attempt, the same result or a fault.

Each test runs over scoring, conversion, evaluation and statistics, as the graph would
run them but without Beam, and compares what is left with an undisturbed run.
"""

import dataclasses
import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcn_core.datasets.pascal import drawn
from fcn_core.export.bundle import export
from fcn_core.labels import VOC_CLASSES
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.chunks.parts import Parts
from pipelines.convert import worker as convert_worker
from pipelines.convert.config import ConvertVocConfig
from pipelines.convert.drafts.draft import drafted
from pipelines.convert.drafts.pascal import draft_voc
from pipelines.convert.plan import plan_conversion
from pipelines.evaluate import worker as evaluate_worker
from pipelines.evaluate.config import EvaluateConfig
from pipelines.evaluate.plan import plan_evaluation
from pipelines.faults import SystemicFault
from pipelines.score import nights
from pipelines.score import worker as score_worker
from pipelines.score.config import ScoreConfig
from pipelines.statistics import worker as statistics_worker
from pipelines.statistics.plan import plan_statistics
from tests.drawn import tiny_models
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


@pytest.fixture(scope="module")
def attempt() -> Iterator[Attempt]:
    """What all tests share: what an attempt keeps are lanes, which hold no state."""
    with Attempt() as attempt:
        yield attempt


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("voc") / "VOC2012"
    drawn.write_voc(root, train=6, val=3)
    return root


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of VOC's classes."""
    folder = tmp_path_factory.mktemp("bundle") / "model"
    card = tiny_models.draw_card(classes=list(VOC_CLASSES))
    export(tiny_models.draw_network(channels=21), folder, card)
    return folder


def convert_case(tree: Path) -> Case:
    def plan(out: Path) -> tuple[ChunkJob, Parts]:
        config = ConvertVocConfig(input=str(tree), output=str(out), num_shards=2)
        draft = drafted(draft_voc, config)
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
        published = [*out.glob("scores/*/*"), *out.glob("masks/*/*/*")]
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


@pytest.fixture(scope="module", params=["score", "convert", "evaluate", "statistics"])
def case(
    request: pytest.FixtureRequest,
    tree: Path,
    bundle: Path,
    attempt: Attempt,
    tmp_path_factory: pytest.TempPathFactory,
) -> Case:
    if request.param == "score":
        return score_case(tree, bundle)
    if request.param == "convert":
        return convert_case(tree)
    if request.param == "statistics" and not importlib.util.find_spec("tfx_bsl"):
        pytest.skip("tfx-bsl is not installed: no statistics")
    data = tmp_path_factory.mktemp("data") / "voc"
    convert_case(tree).run(data, attempt)
    if request.param == "evaluate":
        return evaluate_case(data, bundle)
    return statistics_case(data)


@pytest.fixture(scope="module")
def whole(
    case: Case, attempt: Attempt, tmp_path_factory: pytest.TempPathFactory
) -> Result:
    """What an undisturbed run publishes."""
    counts, result = case.run(tmp_path_factory.mktemp("whole"), attempt)
    assert result
    assert counts.computed == counts.ok > 0
    return result


def test_killed_before_the_first_part(
    case: Case, whole: Result, tmp_path: Path, attempt: Attempt
) -> None:
    case.begin(tmp_path)  # planned, and dead
    assert case.result(tmp_path) == {}
    counts, result = case.run(tmp_path, attempt)
    assert counts.computed == counts.ok
    assert result == whole


def test_killed_between_parts(
    case: Case, whole: Result, tmp_path: Path, attempt: Attempt
) -> None:
    job, _ = case.begin(tmp_path)
    before = work(job, range(1, 3), attempt)
    assert before.computed > 0
    assert case.result(tmp_path) == {}
    counts, result = case.run(tmp_path, attempt)
    assert counts.computed == counts.ok - before.ok
    assert result == whole


def test_killed_after_the_last_part(
    case: Case, whole: Result, tmp_path: Path, attempt: Attempt
) -> None:
    job, _ = case.begin(tmp_path)
    work(job, range(job.chunks), attempt)
    assert case.result(tmp_path) == {}
    counts, result = case.run(tmp_path, attempt)
    assert counts.computed == 0
    assert result == whole


class Killed(BaseException):
    """The process ends here: nothing after this line happens."""


@pytest.mark.parametrize("write", [0, 1, 2])
def test_killed_while_it_publishes(
    case: Case,
    whole: Result,
    tmp_path: Path,
    attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch,
    write: int,
) -> None:
    job, _ = case.begin(tmp_path)
    total = work(job, range(job.chunks), attempt)
    writes: Iterator[int] = iter(range(100))

    def dying(act: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            if next(writes) == write:
                raise Killed
            return act(*arguments)

        return step

    for name in ("write_atomically", "create_once", "move"):
        monkeypatch.setattr(files, name, dying(getattr(files, name)))
    try:
        job.finish(total, attempt)
    except Killed:
        assert case.result(tmp_path) in ({}, whole)
    monkeypatch.undo()
    if not case.result(tmp_path):
        case.run(tmp_path, attempt)
    assert case.result(tmp_path) == whole


def test_a_part_of_another_plan(
    case: Case, whole: Result, tmp_path: Path, attempt: Attempt
) -> None:
    job, parts = case.begin(tmp_path)
    theirs = dataclasses.replace(parts, plan_id="0" * 64)
    counts = Counts(ok=1)
    assert theirs.create(1, [], counts=counts, footer={})
    with pytest.raises(SystemicFault, match=r"chunk-00000001.* another plan"):
        work(job, range(job.chunks), attempt)
    with pytest.raises(SystemicFault):
        job.finish(counts, attempt)
    assert case.result(tmp_path) == {}
    files.remove(parts.uri(1))  # as the fault says
    assert case.run(tmp_path, attempt)[1] == whole


@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_a_damaged_part(
    case: Case, whole: Result, tmp_path: Path, attempt: Attempt, kept: float
) -> None:
    job, parts = case.begin(tmp_path)
    total = work(job, range(job.chunks), attempt)
    path = files.to_path(parts.uri(0))
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(SystemicFault, match=r"chunk-00000000.* no whole part"):
        work(job, range(job.chunks), attempt)
    with pytest.raises(SystemicFault, match=r"chunk-00000000.* no whole part"):
        job.finish(total, attempt)
    assert case.result(tmp_path) == {}
    path.unlink()
    assert case.run(tmp_path, attempt)[1] == whole


def test_a_part_that_vanishes_publishes_nothing(
    case: Case, whole: Result, tmp_path: Path, attempt: Attempt
) -> None:
    job, parts = case.begin(tmp_path)
    total = work(job, range(job.chunks), attempt)
    files.remove(parts.uri(2))
    with pytest.raises(SystemicFault, match=r"chunk-00000002.* vanished"):
        job.finish(total, attempt)
    assert case.result(tmp_path) == {}
    assert case.run(tmp_path, attempt)[1] == whole


def test_two_attempts_at_once(
    case: Case, whole: Result, tmp_path: Path, attempt: Attempt
) -> None:
    job, _ = case.begin(tmp_path)
    barrier, totals = threading.Barrier(2), list[Counts]()

    def race() -> None:
        with Attempt() as own:
            barrier.wait()
            totals.append(work(job, range(job.chunks), own))

    threads = [threading.Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = totals
    assert (first.ok, first.failed) == (second.ok, second.failed)
    assert case.run(tmp_path, attempt)[1] == whole


def test_counts_that_do_not_add_up_publish_nothing(
    case: Case, tmp_path: Path, attempt: Attempt
) -> None:
    job, _ = case.begin(tmp_path)
    total = work(job, range(job.chunks), attempt)
    for wrong in (
        dataclasses.replace(total, ok=total.ok - 1),
        dataclasses.replace(total, ok=total.ok - 1, failed=total.failed + 1),
    ):
        with pytest.raises(SystemicFault, match="nothing is published"):
            job.finish(wrong, attempt)
    assert case.result(tmp_path) == {}
