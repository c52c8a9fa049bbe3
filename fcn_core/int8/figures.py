"""What int8 costs a model: both precisions on the same photos, by the code that scores.

mIoU is compared with labels; ratings are compared with those in f32, since what counts
is that photos keep their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.int8_form import MIOU, RANKS, Compared, Figure
from fcn_core.evaluation.photo import segment
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.correlation import spearman
from fcn_core.records.source import Source, naming

LEAST: Final = 3
"""Fewer photos have hardly an order."""


@dataclass(frozen=True)
class Measured:
    """Photos to compare on.

    Attributes:
        without: sha256 of photos of the source that are left out.
        most: Number of photos.
    """

    source: Source
    without: frozenset[str]
    most: int

    def records(self) -> Iterator[Any]:
        """Yields them, of the data set's `record_type`."""
        records = self.source.records()
        return islice((r for r in records if r.sha256 not in self.without), self.most)


def check_source(card: ModelCard, source: Source) -> None:
    """Refuses photos that a model cannot be compared on.

    Raises:
        DatasetError: The data set is not finished, or has no such split.
        ModelError: It has other classes than a segmentation model, or none.
    """
    source.info.shard_paths(source.folder, source.split)
    if card.task == "segmentation" and source.info.classes != card.classes:
        found = source.info.classes or "ratings"
        raise ModelError(
            f"{source.folder} has {found}, expected the classes of {card.label}, to"
            " measure what int8 costs; give a data set that has them"
        )


def compare(bundle: Path, measured: Measured) -> list[Compared]:
    """Returns a figure for each task of a bundle with both forms.

    Raises:
        DatasetError: A record cannot be used.
        ModelError: There are too few photos.
    """
    f32, int8 = _Answers(bundle, "f32"), _Answers(bundle, "int8")
    photos = 0
    for record in measured.records():
        photos += 1
        with naming(record):
            f32.add(record)
            int8.add(record)
    source = measured.source
    if photos < LEAST:
        raise ModelError(
            f"{source.folder} has {photos} photos in {source.split} to compare int8 on,"
            f" expected at least {LEAST}; name another split"
        )
    found: list[tuple[Figure, float, float]] = []
    if f32.card.task == "segmentation":
        before, after = (each.confusion.result().miou for each in (f32, int8))
        found.append((MIOU, before, after))
    if f32.means:
        found.append((RANKS, 1.0, spearman(f32.means, int8.means)))
    return [
        Compared(
            name=name,
            f32=before,
            int8=after,
            data=f"{source.info.dataset} {source.info.fingerprint[:12]}",
            split=source.split,
            images=photos,
            instruction_set=int8.arithmetic.instruction_set,
        )
        for name, before, after in found
    ]


class _Answers:
    """What one precision answers, added up."""

    def __init__(self, bundle: Path, precision: str) -> None:
        scorer = scoring.load_scorer(str(bundle), "openvino", precision)
        self.card, self.arithmetic = scorer.card, scorer.arithmetic
        self._photos = scoring.PhotoScorer([scorer])
        self.confusion = ConfusionMatrix.zero(self.card.num_classes)
        self.means: list[float] = []

    def add(self, record: Any) -> None:
        """Scores a photo."""
        if self.card.task == "segmentation":
            classes = range(self.card.num_classes)
            found = segment(self._photos, record, class_ids=classes)
            self.confusion += found.confusion
            score = found.score
        else:
            score = self._photos.score_photo(record.encoded)
        means = score.aesthetics_mean, score.technical_mean
        self.means += [mean for mean in means if mean is not None]
