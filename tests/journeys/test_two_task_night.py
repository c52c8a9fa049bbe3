"""A night with one model that segments and rates: both columns from one pass."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fcn_core.export.bundle import export
from fcn_core.models.build import build
from pipelines.cli.main import main
from tests.drawn import tiny_models
from tests.drawn.tiny_networks import disturb
from tests.journeys.test_two_tasks import SPEC, card_of

pytestmark = pytest.mark.usefixtures("warm_lanes")


def test_one_model_fills_the_columns_of_both_tasks(
    tmp_path: Path, rating_bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle, out = tmp_path / "both", tmp_path / "out"
    export(disturb(build(SPEC)), bundle, card_of(SPEC, "both"))
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(2):
        (photos / f"{seed}.jpg").write_bytes(tiny_models.draw_photo(seed=seed))
    words = ["score", "--input", str(photos), "--run_date", "2026-11-20"]
    words += ["--lanes", "1", "--output", str(out), "--model"]
    assert main([*words, str(bundle)]) == 0
    table = pd.read_parquet(out / "scores")
    assert table["status"].tolist() == ["ok", "ok"]
    assert table["models"].unique().tolist() == ["both@1"]
    assert table["segmentation_pixels"].map(sum).tolist() == [75 * 101] * 2
    assert table["aesthetics_ratings"].map(len).tolist() == [10, 10]
    assert table["mask_path"].map(lambda path: (out / path).is_file()).all()
    summary = json.loads(
        (out / "report/run_date=2026-11-20/summary.json").read_text("utf-8")
    )
    described = [(model["name"], model["task"]) for model in summary["models"]]
    assert described == [("both", "segmentation"), ("both", "aesthetics")]
    words[words.index(str(out))] = str(tmp_path / "other")
    assert main([*words, str(bundle), str(rating_bundle)]) == 2
    assert "expected one aesthetics model" in capfd.readouterr().err
