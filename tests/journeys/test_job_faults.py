"""Four jobs, one promise: whatever happens to an attempt, the same result or a fault.

Each test runs over scoring, conversion, evaluation and statistics, as the graph would
run them but without Beam, and compares what is left with an undisturbed run.
"""

import dataclasses
import importlib.util
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcn_core.datasets.pascal import drawn
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.faults import SystemicFault
from tests.runs.job_cases import (
    Case,
    Result,
    convert_case,
    evaluate_case,
    score_case,
    statistics_case,
    work,
)


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


@pytest.fixture(scope="module", params=["score", "convert", "evaluate", "statistics"])
def case(
    request: pytest.FixtureRequest,
    tree: Path,
    voc_bundle: Path,
    attempt: Attempt,
    tmp_path_factory: pytest.TempPathFactory,
) -> Case:
    if request.param == "score":
        return score_case(tree, voc_bundle)
    if request.param == "convert":
        return convert_case(tree)
    if request.param == "statistics" and not importlib.util.find_spec("tfx_bsl"):
        pytest.skip("tfx-bsl is not installed: no statistics")
    data = tmp_path_factory.mktemp("data") / "voc"
    convert_case(tree).run(data, attempt)
    if request.param == "evaluate":
        return evaluate_case(data, voc_bundle)
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
        def step(*arguments: Any, **options: Any) -> Any:
            if next(writes) == write:
                raise Killed
            return act(*arguments, **options)

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
