"""A segmentation model against records, through the code that scores."""

from collections.abc import Iterable

import keras

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.evaluation.keras_engine import scorer_of
from fcn_core.evaluation.photo import segment
from fcn_core.labels import VOID
from fcn_core.metrics import confusion
from fcn_core.records.record import SegmentationRecord
from fcn_core.records.source import naming


def evaluate_segmentation(
    model: keras.Model,
    card: ModelCard,
    records: Iterable[SegmentationRecord],
    *,
    void: int = VOID,
) -> confusion.SegmentationScores:
    """Scores every photo at its original size into one confusion matrix.

    Args:
        model: RGB 0..255 float `[B, H, W, 3]` -> logits.
        card: How to feed it; its classes are those of the labels.
        records: Photos and labels.
        void: Label value that is left out.

    Raises:
        DatasetError: A photo does not decode, its label has another size or an unknown
            class; names the photo.
    """
    photos = scoring.PhotoScorer([scorer_of(model, card)])
    total = confusion.ConfusionMatrix.zero(card.num_classes)
    class_ids = range(card.num_classes)
    for record in records:
        with naming(record):
            total += segment(photos, record, class_ids=class_ids, void={void}).confusion
    return total.result()
