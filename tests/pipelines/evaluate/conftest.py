"""The records and the model that tests of evaluations share."""

from pathlib import Path

import pytest

from fcn_core.labels import VOC_CLASSES
from fcn_core.records.record import SegmentationRecord
from tests.drawn import tiny_models, tiny_shards


@pytest.fixture(scope="package")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[SegmentationRecord]:
    root = tmp_path_factory.mktemp("tree")
    return tiny_shards.drawn_records(root, train=7, val=0)["train"]


@pytest.fixture(scope="package")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose classes are VOC's in another order."""
    import keras

    from fcn_core.export.bundle import export

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("bundle") / "model"
    card = tiny_models.draw_card(classes=list(VOC_CLASSES[::-1]))
    export(tiny_models.draw_network(channels=21), folder, card)
    return folder
