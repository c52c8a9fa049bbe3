"""An estimate as a whole: a GPU here, a bucket, and what is said of each."""

from pathlib import Path

import pytest

from fcn_core.scoring.arithmetic import Arithmetic
from pipelines.estimate import estimate, measuring
from pipelines.estimate.config import EstimateConfig
from pipelines.estimate.terminal import duration, opening_lines, row
from pipelines.lanes.settings import LaneSettings
from tests.doubles import gcs
from tests.runs.score_runs import add_photos


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes that take as long as they are asked to."""
    task, config = "tests.doubles.paced_lane:Paced", {"seconds": 0.01}
    lanes = LaneSettings(task=task, config=config, lanes=2)
    monkeypatch.setattr(estimate.score_lanes, "lanes_for", lambda *_, **__: lanes)
    monkeypatch.setattr(measuring, "_STEADY_SECONDS", 0.2)


def _made(source: str, **fields: object) -> estimate.Estimate:
    values = {"input": source, "model": ["quality"]} | fields
    return estimate.estimate(EstimateConfig.model_validate(values))


@pytest.mark.usefixtures("paced")
def test_a_gpu_here_leaves_out_what_it_cannot_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_photos(tmp_path, 3, side=32)
    gpu = Arithmetic("tensorflow", "f32", "NVIDIA L4")
    monkeypatch.setattr(estimate.nights, "chosen_arithmetics", lambda *_: (gpu,))
    made = _made(str(tmp_path))
    assert [way.name.partition(" with")[0] for way in made.ways] == [
        "this machine",
        "Dataflow, g2-standard-8",
    ]
    assert any("without a GPU" in text for text in made.assumed)


@pytest.mark.usefixtures("paced")
def test_a_bucket_costs_requests(bucket: gcs.Bucket, tmp_path: Path) -> None:
    add_photos(tmp_path, 3, side=32)
    bucket.put_tree(tmp_path, "photos")
    before = bucket.names()
    made = _made(bucket.uri("photos"), output=bucket.uri("out"))
    assert made.count.photos == 3
    assert all(way.storage > 0 for way in made.ways)
    assert bucket.names() == before


@pytest.mark.usefixtures("paced")
def test_a_disk_costs_no_requests_here_but_workers_need_a_bucket(
    tmp_path: Path,
) -> None:
    add_photos(tmp_path, 3, side=32)
    here, *elsewhere = _made(str(tmp_path)).ways
    assert here.storage == 0
    assert all(way.storage > 0 for way in elsewhere)


@pytest.mark.usefixtures("paced")
def test_lines_for_people(tmp_path: Path) -> None:
    add_photos(tmp_path, 3, side=32)
    made = _made(str(tmp_path), limit=2)
    first, second = opening_lines(made)
    assert first == "2 photos to score of 3 (1 would wait)"
    assert second == made.arithmetic
    way = made.ways[1].model_copy(update={"compute": 1234.5, "storage": 0.5})
    assert row(way, currency="€")[-3:] == ("€1,234.50", "€0.50", "€1,235.00")


def test_times_are_short_or_long() -> None:
    assert duration(0.5) == "30.0 min"
    assert duration(1234.56) == "1,234.6 h"
