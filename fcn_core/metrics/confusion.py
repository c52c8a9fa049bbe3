"""How good predictions are: exact counts that add up in any order.

A `ConfusionMatrix` is a monoid (`zero`, `+`, `result`): one for a whole data set, the
same for every batch size, shard order and number of workers. There is no epsilon; a
class that neither labels nor predictions contain has no score and is left out of means.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fcn_core.labels import VOID


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Pixels by true class (rows) and predicted class (columns).

    Attributes:
        counts: int64 `[C, C]`.
    """

    counts: NDArray[np.int64]

    @classmethod
    def zero(cls, classes: int) -> Self:
        """Returns the matrix of no pixels."""
        return cls(np.zeros((classes, classes), np.int64))

    @classmethod
    def of(
        cls,
        labels: NDArray[np.integer],
        predictions: NDArray[np.integer],
        *,
        classes: int,
        void: int = VOID,
    ) -> Self:
        """Counts the pixels of one image or batch.

        Args:
            labels: Class ids of any shape; `void` pixels are not counted.
            predictions: Class ids 0..classes-1 of the same shape.
            classes: Number of classes C.
            void: The label that marks pixels to leave out.

        Raises:
            ValueError: Shapes differ, or a class id is out of range.
        """
        if labels.shape != predictions.shape:
            raise ValueError(
                f"predictions have shape {predictions.shape}, expected the labels' "
                f"{labels.shape}; predict at the label's size"
            )
        valid = labels != void
        truth = labels[valid].astype(np.int64)
        guess = predictions[valid].astype(np.int64)
        for what, ids in (("label", truth), ("prediction", guess)):
            if ids.size and not 0 <= ids.min() <= ids.max() < classes:
                raise ValueError(
                    f"{what}: got class ids {ids.min()}..{ids.max()}, expected "
                    f"0..{classes - 1} or void {void}; check the number of classes"
                )
        counts = np.bincount(truth * classes + guess, minlength=classes * classes)
        return cls(counts.reshape(classes, classes))

    def __add__(self, other: Self) -> Self:
        if self.counts.shape != other.counts.shape:
            raise ValueError(
                f"confusion matrices of {len(self.counts)} and {len(other.counts)} "
                "classes cannot be added; evaluate both with the same classes"
            )
        return type(self)(self.counts + other.counts)

    def result(self) -> "SegmentationScores":
        """Returns the scores of all pixels counted so far."""
        hits = np.diag(self.counts).astype(np.float64)
        truth = self.counts.sum(axis=1).astype(np.float64)
        union = truth + self.counts.sum(axis=0) - hits
        iou = share(hits, union)
        present = truth > 0
        return SegmentationScores(
            pixels=int(self.counts.sum()),
            pixel_accuracy=float(share(hits.sum(), truth.sum())),
            mean_accuracy=_mean(share(hits, truth)),
            miou=_mean(iou),
            frequency_weighted_iou=float(
                share((truth * iou)[present].sum(), truth.sum())
            ),
            iou=tuple(iou.tolist()),
            accuracy=tuple(share(hits, truth).tolist()),
        )


@dataclass(frozen=True)
class SegmentationScores:
    """Scores in 0..1 (Long et al., 2015, section 5); NaN where nothing was counted.

    Attributes:
        pixels: Counted pixels (without void).
        pixel_accuracy: Share of right pixels.
        mean_accuracy: Mean over classes of the share of right pixels.
        miou: Mean over classes of intersection over union.
        frequency_weighted_iou: IoU weighted by the classes' pixels.
        iou: By class id.
        accuracy: Share of right pixels of each class, by class id.
    """

    pixels: int
    pixel_accuracy: float
    mean_accuracy: float
    miou: float
    frequency_weighted_iou: float
    iou: tuple[float, ...]
    accuracy: tuple[float, ...]


def share(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """Returns `part / whole`, NaN where the whole is empty."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _mean(values: NDArray[np.float64]) -> float:
    """Returns the mean of the values that exist, NaN if none does."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
