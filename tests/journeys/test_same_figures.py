"""A run's figures, and `fcn evaluate` of its bundle on any number of workers."""

import json
from pathlib import Path
from typing import Any

import pytest

from fcn_core.training import publish, train
from tests.drawn import tiny_recipes, tiny_shards
from tests.runs import score_runs


def evaluate(bundle: Path, data: Path, output: Path, *, workers: str) -> dict[str, Any]:
    """Returns what `fcn evaluate` writes about a bundle."""
    arguments: list[str | Path] = ["evaluate", "--model", bundle, "--data", data]
    arguments += ["--split", "val", "--output", output, "--lanes", "1"]
    arguments += ["--engine", "tensorflow", "--precision", "f32", "--chunk_size", "1"]
    result = score_runs.fcn(*arguments, "--direct_num_workers", workers)
    assert result.code == 0, result.stderr
    return json.loads(output.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("task", ["segmentation", "aesthetics"])
def test_training_and_evaluation_measure_the_same_on_any_workers(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if task == "segmentation":
        data = tiny_shards.drawn_data(tmp_path, train=3, val=5)
        tiny_recipes.use(monkeypatch, tiny_recipes.SEGMENTATION, epochs=1)
    else:
        rated = tiny_shards.rated_records(9)
        splits = {"train": rated[:3], "val": rated[3:]}
        data = tiny_shards.write_finished(tmp_path / "records", splits)
        tiny_recipes.use(monkeypatch, tiny_recipes.RATING, epochs=1, copies=0)
    run = train.train(
        tiny_recipes.config(data, tmp_path / "run", task=task, evaluation_split="val")
    )
    publish.export_run(run.folder, tmp_path / "bundle")
    first, second = (
        evaluate(
            tmp_path / "bundle", data, tmp_path / f"{workers}.json", workers=workers
        )
        for workers in ("1", "2")
    )
    figures = {**first, **first.get("baselines", {})}
    figures |= {f"iou_{name}": iou for name, iou in first.get("iou", {}).items()}
    compared = {
        name: value
        for name, value in run.metrics.items()
        if figures.get(name) is not None
    }
    assert len(compared) >= 5
    assert compared == pytest.approx({n: figures[n] for n in compared}, abs=1e-3)
    differs = ("command", "seconds", "images_per_second")
    assert {n: v for n, v in first.items() if n not in differs} == {
        n: v for n, v in second.items() if n not in differs
    }
