"""The lane of a night computes as its plan says."""

from pathlib import Path

from fcn_core.bundles.card import ModelCard
from fcn_core.scoring import arithmetic
from pipelines.score.lane import ScorePhotos
from tests.drawn import tiny_models


def test_lanes_tile_as_the_plan_says(segmentation_bundle: Path) -> None:
    chosen = arithmetic.resolve_arithmetic("openvino", "f32")
    card = ModelCard.read(segmentation_bundle)
    config = {
        "models": [{"name": str(segmentation_bundle), "fingerprint": card.fingerprint}],
        "engine": chosen.engine,
        "precision": chosen.precision,
        "instruction_set": chosen.instruction_set,
        "max_side": 1024,
        "masks": True,
    }
    data = tiny_models.draw_photo(300, 700, kind="PNG")
    without = ScorePhotos(config)({}, [data])
    assert ScorePhotos(config | {"tile": 256})({}, [data]) == without
