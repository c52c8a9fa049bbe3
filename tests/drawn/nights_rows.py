"""Rows of nights as cameras and people make them: series, busy days, quiet days."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from pipelines.score import statistics
from pipelines.score.statistics import Statistics

CLASSES = 21
_SERIES = 3
"""Photos of one scene, on average."""


@dataclass(frozen=True)
class Night:
    """What a night's photos are like.

    Attributes:
        photos: How many.
        aesthetics: Mean and deviation of the scenes' ratings.
        technical: Likewise.
        blank: Share of masks of a single class.
        favourite: The most frequent class.
        favoured: Its share of the photos with other classes, beside its usual one.
    """

    photos: int = 1000
    aesthetics: tuple[float, float] = (5.35, 0.65)
    technical: tuple[float, float] = (5.8, 0.9)
    blank: float = 0.3
    favourite: int = 15
    favoured: float = 0.25

    def rows(self, rng: np.random.Generator) -> pa.Table:
        """Returns rows with what gates look at; a twentieth failed."""
        n = self.photos
        scene = rng.integers(0, max(n // _SERIES, 1), n)
        ok = rng.random(n) > 0.03
        means = {
            task: _ratings(rng, scene, *getattr(self, task))
            for task in ("aesthetics", "technical")
        }
        usual = 1 / np.arange(1, CLASSES)
        weights = np.roll(usual / usual.sum(), self.favourite - 1)
        weights *= 1 - self.favoured
        weights[self.favourite - 1] += self.favoured
        dominant = rng.choice(np.arange(1, CLASSES), n, p=weights)[scene]
        blank = (rng.random(n) < self.blank)[scene]
        classes = [
            [0] if b else [0, int(d)] for b, d in zip(blank, dominant, strict=True)
        ]
        dominant = np.where(blank, 0, dominant)

        def column(values: object, kind: pa.DataType) -> pa.Array:
            return pa.array(values, kind, mask=~ok)

        return pa.table(
            {
                "status": np.where(ok, "ok", "failed"),
                "aesthetics_mean": column(means["aesthetics"], pa.float32()),
                "technical_mean": column(means["technical"], pa.float32()),
                "segmentation_classes": pa.array(
                    [c if good else None for c, good in zip(classes, ok, strict=True)],
                    pa.list_(pa.int32()),
                ),
                "dominant_class": column(dominant.astype(np.int32), pa.int32()),
            }
        )

    def statistics(self, rng: np.random.Generator) -> Statistics:
        """Returns its statistics, by the code of the finish."""
        total = statistics.Sum()
        total.add_rows(self.rows(rng), stored_bytes=self.photos * 20_000)
        return total.total()

    def varied(self, rng: np.random.Generator) -> "Night":
        """Returns another ordinary night: other light, other subjects, another size."""
        return replace(
            self,
            photos=int(rng.lognormal(np.log(self.photos), 0.5)),
            aesthetics=(self.aesthetics[0] + rng.normal(0, 0.05), self.aesthetics[1]),
            technical=(self.technical[0] + rng.normal(0, 0.05), self.technical[1]),
            blank=float(np.clip(self.blank + rng.normal(0, 0.03), 0, 1)),
            favoured=float(np.clip(self.favoured + rng.normal(0, 0.05), 0, 1)),
        )


def _ratings(
    rng: np.random.Generator, scene: np.ndarray, mean: float, deviation: float
) -> np.ndarray:
    """Returns ratings that are alike within a scene."""
    scenes = rng.normal(mean, deviation * 0.8, scene.size)[scene]
    return np.clip(scenes + rng.normal(0, deviation * 0.6, scene.size), 1, 10)
