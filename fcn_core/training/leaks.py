"""No photo may be trained on and measured: checked by the photos' own hashes."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fcn_core.bundles import photo_list
from fcn_core.bundles.photo_list import Photos
from fcn_core.records.dataset_info import DatasetError
from fcn_core.records.source import Source
from fcn_core.training.initial_weights import InitialWeights


def check_leaks(learned: Photos, others: Iterable[Source]) -> None:
    """Checks that no split shares photos with what a model learns from.

    Args:
        learned: What `learned_photos` returned.
        others: What chooses the epoch or measures the model.

    Raises:
        DatasetError: A photo is in both; names the first and counts them.
    """
    for other in others:
        shared = [
            record.source_id
            for record in other.records()
            if photo_list.contains(learned, record)
        ]
        if shared:
            raise DatasetError(
                f"{other.folder}: split {other.split} shares {len(shared)} photos (the "
                f"first is {shared[0]}) with the training split or with what the "
                "initial weights had seen, expected none: the figures would be too "
                "good; choose another split, or pass --allow_leak"
            )


def learned_photos(source: Source, initial: InitialWeights) -> Photos:
    """Returns what a run's model has learned from when it ends.

    Args:
        source: What the run trains on; what it holds out of that counts as well.
        initial: Its weights to start from; photos that these are known to have seen
            are added.

    Raises:
        ModelError: The list of the initial weights is damaged.
    """
    whole = replace(source, part="all", holdout=0.0, labelled=False)
    photos = photo_list.photos_of(whole.records())
    before = initial.photos()
    return photos if before is None else np.union1d(photos, before)
