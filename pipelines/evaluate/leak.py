"""Whether a model is measured on photos that it was trained on.

A bundle of `fcn export` lists the photos that it learned from, by their hashes: with it
any split of any folder can be compared. Without a list only the names of data set (its
fingerprint) and split in the card can be. What the initial weights had seen before is
what the card's origin says in words.
"""

from pathlib import Path

from fcn_core.bundles import photo_list
from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.photo_list import Photos
from pipelines.chunks.frozen import Frozen
from pipelines.evaluate.table import Measurable


class Leak(Frozen):
    """The outcome of a search for a leak.

    Attributes:
        why: What was found; None if nothing was.
        compared: What was compared, in words.
        not_compared: What could not be, in words.
    """

    why: str | None = None
    compared: str
    not_compared: str = ""


_BEFORE = "what its initial weights had seen"
_DAMAGED = "; records behind damaged ones"


def find_leak(card: ModelCard, bundle: Path, data: Measurable) -> Leak:
    """Compares a split with what a model was trained on.

    Args:
        card: Of the model.
        bundle: Its folder.
        data: What is to be measured on.

    Raises:
        ModelError: The bundle's list of photos is gone or damaged.
    """
    photos = photo_list.read_verified(bundle, card)
    if photos is None:
        return _by_names(card, data, is_listed=False)
    listed = _by_list(card, photos, data)
    if listed.why:
        return listed
    # By their ids the same photos are known in another encoding.
    named = _by_names(card, data, is_listed=True)
    return named if named.why else listed


def _by_list(card: ModelCard, photos: Photos, data: Measurable) -> Leak:
    split, measured = data.split, data.photos(data.split)
    total = shared = 0
    for record in measured:
        total += 1
        shared += photo_list.contains(photos, record)
    return Leak(
        why=f"{card.label} was trained on {shared} of the {total} photos of {split}"
        if shared
        else None,
        compared=f"sha256 of {total} photos of {split} with the {len(photos)} that "
        f"{card.label} was trained on",
        not_compared=_BEFORE + (_DAMAGED if measured.is_damaged else ""),
    )


def _by_names(card: ModelCard, data: Measurable, *, is_listed: bool) -> Leak:
    """Compares what the card names: the data set and its split."""
    info, split = data.info, data.split
    trained = card.training.get("data_split")
    fingerprint = card.training.get("data_fingerprint")
    if not isinstance(trained, str) or not isinstance(fingerprint, str):
        return Leak(
            compared="nothing",
            not_compared=f"the card of {card.label} does not name its training data",
        )
    same = fingerprint == info.fingerprint
    trained_on = card.training.get("data", "data")
    name = f"{trained_on} {fingerprint[:12]}"
    if same and split == trained:
        return Leak(
            why=f"{card.label} was trained on the split {split} of this data set",
            compared=f"names of splits of {name}",
            not_compared=_BEFORE,
        )
    missing = "" if same else f"{name}, which it was trained on, is not this folder; "
    if split == trained and trained_on == info.dataset and not is_listed:
        return Leak(
            why=f"{card.label} was trained on the split {split} of another folder of "
            f"{trained_on} ({fingerprint[:12]}) and does not list its photos: they may "
            "be these",
            compared="nothing",
            not_compared=missing + _BEFORE,
        )
    if split == trained or trained not in info.splits:
        return Leak(compared="nothing", not_compared=missing + _BEFORE)
    if same and info.settings.get("allow_leak") is False:
        compared = f"sha256 of photos of {split} and {trained}, by fcn convert"
        return Leak(compared=compared, not_compared=_BEFORE)
    found = _compare(card, data, trained)
    return found.model_copy(
        update={"not_compared": missing + _BEFORE + found.not_compared}
    )


def _compare(card: ModelCard, data: Measurable, trained: str) -> Leak:
    """Compares two splits of one folder, by the photos' hashes and ids."""
    split = data.split
    seen, measured = data.photos(trained), data.photos(split)
    hashes = {record.sha256: record.source_id for record in seen}
    ids, total, shared, shared_ids = set(hashes.values()), 0, 0, 0
    for record in measured:
        total += 1
        shared += record.sha256 in hashes
        shared_ids += record.source_id in ids
    why = None
    if shared or shared_ids:
        why = (
            f"{split} and {trained}, as {card.label}'s training split is called, share "
            f"{shared} photos by sha256 and {shared_ids} by id"
        )
    return Leak(
        why=why,
        compared=f"sha256 and ids of {total} photos of {split} with {len(hashes)} of "
        f"{trained}",
        not_compared=_DAMAGED if measured.is_damaged or seen.is_damaged else "",
    )
