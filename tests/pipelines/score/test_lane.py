"""The lane of a night computes as its plan says, within its memory."""

from pathlib import Path

from fcn_core.bundles.card import ModelCard
from fcn_core.scoring import arithmetic
from pipelines.lanes.messages import Header, Request
from pipelines.lanes.pool import LanePool
from pipelines.lanes.settings import LaneLimits, LaneSettings
from pipelines.score.lane import ScorePhotos
from tests.drawn import tiny_models


def planned(bundle: Path, max_side: int) -> Header:
    """Returns what a plan says of a model."""
    chosen = arithmetic.resolve_arithmetic("openvino", "f32")
    fingerprint = ModelCard.read(bundle).fingerprint
    return {
        "models": [{"name": str(bundle), "fingerprint": fingerprint}],
        "engine": chosen.engine,
        "precision": chosen.precision,
        "instruction_set": chosen.instruction_set,
        "max_side": max_side,
        "masks": True,
    }


def test_lanes_tile_as_the_plan_says(segmentation_bundle: Path) -> None:
    config = planned(segmentation_bundle, 1024)
    data = tiny_models.draw_photo(300, 700, kind="PNG")
    without = ScorePhotos(config)({}, [data])
    assert ScorePhotos(config | {"tile": 256})({}, [data]) == without


def test_memory_that_the_engine_lacks_is_no_fault_of_inference(
    segmentation_bundle: Path,
) -> None:
    pool = LanePool(
        LaneSettings(
            task="pipelines.score.lane:ScorePhotos",
            config=planned(segmentation_bundle, 4096),
            lanes=1,
            # enough to decode 12 megapixels, too little for the network's layers
            limits=LaneLimits(memory_bytes=200 << 20),
        )
    )
    photo = tiny_models.draw_photo(3000, 4000, kind="JPEG")
    ((_, answer),) = pool.answer([(0, Request({}, [photo]))])
    pool.close()
    assert answer.bad is not None
    assert answer.bad.reason == "out-of-memory"
    assert answer.bad.detail == "twice: the memory limit of one request"
