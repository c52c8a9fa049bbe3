"""Classes of two nights by their names: two models may number them differently."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

IDS = 256
NONE = -1
"""Stands for no class, where no model segmented."""


class Vocabulary:
    """The names of all classes of some nights, each with its place."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def places(self, names: Mapping[int, str]) -> NDArray[np.int64]:
        """Returns the place of the name of each class id, int64 `[256]`.

        Args:
            names: Class id -> name, of one night's model.
        """
        return np.array([self._place(names.get(i, f"class {i}")) for i in range(IDS)])

    def _place(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def dominant_places(rows: pa.Table, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the place of each row's dominant class; NONE where it has none."""
    ids = pc.fill_null(rows["dominant_class"], NONE).to_numpy()
    return np.where(ids < 0, NONE, places[np.clip(ids, 0, IDS - 1)])


class PixelSums:
    """Pixels by class; exact integers, however many they are."""

    def __init__(self) -> None:
        self._pixels: Counter[int] = Counter()

    def add(self, rows: pa.Table, places: NDArray[np.int64]) -> None:
        """Adds the pixels of some rows."""
        counts = pc.list_flatten(rows["segmentation_pixels"]).to_numpy()
        ids = pc.list_flatten(rows["segmentation_classes"]).to_numpy()
        sums = np.zeros(IDS, np.int64)
        np.add.at(sums, ids, counts)
        for class_id in np.flatnonzero(sums).tolist():
            self._pixels[int(places[class_id])] += int(sums[class_id])

    def shares(self, vocabulary: Vocabulary) -> dict[str, float]:
        """Returns class -> its share of all pixels, the largest first."""
        total = self._pixels.total()
        return {
            vocabulary.names[place]: round(count / total, 6)
            for place, count in self._pixels.most_common()
        }


def shifts(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Returns class -> second minus first share, the largest shifts first."""
    names = {*before, *after}
    found = {n: round(after.get(n, 0.0) - before.get(n, 0.0), 6) for n in names}
    ordered = sorted(found.items(), key=lambda item: (-abs(item[1]), item[0]))
    return dict(ordered)
