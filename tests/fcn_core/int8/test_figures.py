"""What int8 costs: measured by the code that scores, not on what calibrated."""

from pathlib import Path

import numpy as np
import pytest

from fcn_core import images, scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.int8 import figures as int8_figures
from fcn_core.labels import VOC_CLASSES
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.correlation import spearman
from fcn_core.records.dataset_info import DatasetError
from fcn_core.records.source import Source
from tests.drawn import tiny_int8, tiny_models, tiny_shards


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.drawn_data(tmp_path_factory.mktemp("voc"), train=6, val=4)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of VOC's classes, with an int8 form."""
    from fcn_core.export import bundle as export_bundle

    folder = tmp_path_factory.mktemp("voc-bundle")
    network = tiny_models.draw_network(channels=len(VOC_CLASSES))
    card = tiny_models.draw_card(classes=list(VOC_CLASSES))
    export_bundle.export(network, folder / "plain", card)
    tiny_int8.add(folder / "plain", folder / "int8")
    return folder / "int8"


def measured(
    data: Path, split: str = "val", *, most: int = 99
) -> int8_figures.Measured:
    source = Source(folder=data, split=split)
    return int8_figures.Measured(source, without=frozenset(), most=most)


def test_miou_is_that_of_the_masks(bundle: Path, data: Path) -> None:
    (found,) = int8_figures.compare(bundle, measured(data))
    assert (found.name, found.images, found.split) == ("miou", 4, "val")
    assert found.data.startswith("voc ")
    for precision, value in (("f32", found.f32), ("int8", found.int8)):
        scorer = scoring.load_scorer(str(bundle), "openvino", precision)
        photos = scoring.PhotoScorer([scorer])
        total = ConfusionMatrix.zero(21)
        for record in Source(folder=data, split="val").records():
            mask = photos.score_photo(record.encoded).mask_png
            assert mask is not None
            label, guess = (images.decode_mask(each) for each in (record.label, mask))
            total += ConfusionMatrix.of(label, guess, classes=21)
        assert value == total.result().miou
    assert found.f32 != found.int8
    assert found.instruction_set == scorer.arithmetic.instruction_set


def test_ratings_are_compared_with_those_in_f32(
    rating_bundle: Path, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "int8"
    tiny_int8.add(rating_bundle, folder)
    (found,) = int8_figures.compare(folder, measured(data, "train"))
    means = [
        [
            scoring.PhotoScorer([scoring.load_scorer(str(folder), "openvino", word)])
            .score_photo(record.encoded)
            .aesthetics_mean
            for record in Source(folder=data, split="train").records()
        ]
        for word in ("f32", "int8")
    ]
    assert (found.name, found.f32) == ("rank_correlation", 1.0)
    assert found.int8 == spearman(*np.array(means, np.float64))


def test_photos_that_calibrated_are_left_out_and_the_number_is_bounded(
    data: Path,
) -> None:
    source = Source(folder=data, split="train")
    every = [record.sha256 for record in source.records()]
    some = int8_figures.Measured(source, without=frozenset(every[:2]), most=3)
    assert [record.sha256 for record in some.records()] == every[2:5]


def test_too_few_photos_are_refused(bundle: Path, data: Path) -> None:
    with pytest.raises(ModelError, match=r"2 photos in val.*at least 3; name another"):
        int8_figures.compare(bundle, measured(data, most=2))


def test_labels_of_other_classes_are_refused(
    bundle: Path, segmentation_bundle: Path, data: Path, tmp_path: Path
) -> None:
    source = Source(folder=data, split="val")
    int8_figures.check_source(ModelCard.read(bundle), source)
    with pytest.raises(ModelError, match="expected the classes of tiny-segmentation"):
        int8_figures.check_source(ModelCard.read(segmentation_bundle), source)
    rated = Source(
        folder=tiny_shards.rated_data(tmp_path, train=2, test=2), split="test"
    )
    with pytest.raises(ModelError, match="has ratings, expected the classes"):
        int8_figures.check_source(ModelCard.read(bundle), rated)


def test_a_split_that_is_not_there_is_named(bundle: Path, data: Path) -> None:
    with pytest.raises(DatasetError, match="got split 'test'"):
        int8_figures.compare(bundle, measured(data, "test"))
