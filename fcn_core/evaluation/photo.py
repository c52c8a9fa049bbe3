"""A record of a data set against a model: the step that every evaluation repeats.

Training's evaluation and each lane of `fcn evaluate` call it, so they cannot differ.
Loads neither TensorFlow nor Keras.
"""

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fcn_core import images
from fcn_core.labels import VOID
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.ratings import RatingRows
from fcn_core.records.record import AestheticsRecord, SegmentationRecord
from fcn_core.scoring import PhotoScore, PhotoScorer

ONLY_VOID: Final = frozenset({VOID})


@dataclass(frozen=True)
class Segmented:
    """A photo's score and its pixels by true and predicted class."""

    score: PhotoScore
    confusion: ConfusionMatrix


@dataclass(frozen=True, kw_only=True)
class RatedPhoto:
    """A photo and its ratings where there is no record of both.

    Attributes:
        encoded: Its file's bytes.
        filename: Its path.
        source_id: Its name without folder and extension.
        votes: For ratings 1, 2, ...; they decide mean and spread where there are any.
        mean: Of the ratings.
        std: Their standard deviation, NaN where it is not known.
    """

    encoded: bytes
    filename: str
    source_id: str
    votes: Sequence[int] = ()
    mean: float = math.nan
    std: float = math.nan

    @property
    def sha256(self) -> str:
        """Of the file's bytes, hex."""
        return hashlib.sha256(self.encoded).hexdigest()


@dataclass(frozen=True)
class Rated:
    """A photo's score and its row of predicted and true ratings."""

    score: PhotoScore
    row: RatingRows


def segment(
    photos: PhotoScorer,
    record: SegmentationRecord,
    *,
    class_ids: Sequence[int],
    void: Collection[int] = ONLY_VOID,
) -> Segmented:
    """Compares a mask with a label, at the photo's original size.

    Args:
        photos: Makes masks.
        record: Photo and label.
        class_ids: The label's class id for each class id of the model.
        void: Label values that are left out.

    Raises:
        BadImage: Photo or label does not decode.
        ValueError: The label has another size than its photo, or an unknown class.
    """
    score = photos.score_photo(record.encoded)
    if score.mask_png is None:
        raise ValueError(f"{record.filename}: expected a mask, got none")
    label = images.decode_mask(record.label)
    label[np.isin(label, list(void))] = VOID
    prediction = np.asarray(class_ids, np.uint8)[images.decode_mask(score.mask_png)]
    confusion = ConfusionMatrix.of(label, prediction, classes=len(class_ids))
    return Segmented(score, confusion)


def rate(
    photos: PhotoScorer,
    record: AestheticsRecord | RatedPhoto,
    *,
    bins: Sequence[float],
) -> Rated:
    """Compares predicted ratings with votes, or with the mean that is known.

    Args:
        photos: Makes ratings.
        record: Photo and votes, or mean.
        bins: Of the model.

    Raises:
        BadImage: The photo does not decode.
        ValueError: The votes are not for the model's bins.
    """
    score = photos.score_photo(record.encoded)
    # Whatever the model measures is compared with the data set's ratings.
    ratings = score.aesthetics_ratings or score.technical_ratings
    if ratings is None:
        raise ValueError(f"{record.filename}: expected ratings, got none")
    row = RatingRows.of(
        bins,
        ratings=ratings,
        votes=record.votes,
        mean=record.mean,
        std=record.std,
    )
    return Rated(score, row)
