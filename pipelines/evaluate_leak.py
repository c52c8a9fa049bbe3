"""Whether a model is measured on photos that it was trained on.

A card names the data set (its fingerprint) and the split that a model was trained on.
That is all there is to compare with: what the initial weights had seen before is told
by the card's origin in words, and by nothing that a program could check.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fcn_core import tfrecord
from fcn_core.dataset_info import DatasetInfo
from fcn_core.model_card import ModelCard
from fcn_core.record_fields import RecordError
from fcn_core.records import AestheticsRecord, SegmentationRecord


class Leak(BaseModel):
    """What came of looking for a leak.

    Attributes:
        why: What was found; None: nothing.
        compared: What was compared, in words.
        not_compared: What could not be, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    why: str | None = None
    compared: str
    not_compared: str = ""


_BEFORE = "what its initial weights had seen"


def check(card: ModelCard, folder: Path, info: DatasetInfo, split: str) -> Leak:
    """Compares a split with the one that a model was trained on."""
    trained = card.training.get("data_split")
    fingerprint = card.training.get("data_fingerprint")
    if not isinstance(trained, str) or not isinstance(fingerprint, str):
        return Leak(
            compared="nothing",
            not_compared=f"the card of {card.label} does not name its training data",
        )
    same = fingerprint == info.fingerprint
    name = f"{card.training.get('data', 'data')} {fingerprint[:12]}"
    if same and split == trained:
        return Leak(
            why=f"{card.label} was trained on the split {split} of this data set",
            compared=f"names of splits of {name}",
            not_compared=_BEFORE,
        )
    missing = "" if same else f"{name}, which it was trained on, is not this folder; "
    if split == trained or trained not in info.splits:
        return Leak(compared="nothing", not_compared=missing + _BEFORE)
    if same and info.settings.get("allow_leak") is False:
        compared = f"sha256 of photos of {split} and {trained}, by fcn convert"
        return Leak(compared=compared, not_compared=_BEFORE)
    return _compare(card, folder, info, split, trained, missing + _BEFORE)


def _compare(
    card: ModelCard,
    folder: Path,
    info: DatasetInfo,
    split: str,
    trained: str,
    not_compared: str,
) -> Leak:
    measured, seen = (_photos(folder, info, name) for name in (split, trained))
    shared, ids = len(measured.hashes & seen.hashes), len(measured.ids & seen.ids)
    why = None
    if shared or ids:
        why = (
            f"{split} and {trained}, as {card.label}'s training split is called, share "
            f"{shared} photos by sha256 and {ids} by id"
        )
    if measured.is_damaged or seen.is_damaged:
        not_compared += "; records behind damaged ones"
    compared = (
        f"sha256 and ids of {len(measured.hashes)} photos of {split} with "
        f"{len(seen.hashes)} of {trained}"
    )
    return Leak(why=why, compared=compared, not_compared=not_compared)


@dataclass
class _Photos:
    """What is known about the photos of a split."""

    hashes: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    is_damaged: bool = False


def _photos(folder: Path, info: DatasetInfo, split: str) -> _Photos:
    kind = SegmentationRecord if info.task == "segmentation" else AestheticsRecord
    found = _Photos()
    for path in info.shard_paths(folder, split):
        try:
            for frame in tfrecord.read_frames(path):
                record = kind.parse(frame)
                found.hashes.add(record.sha256)
                found.ids.add(record.source_id)
        except (OSError, RecordError, tfrecord.FrameError):
            found.is_damaged = True
    return found
