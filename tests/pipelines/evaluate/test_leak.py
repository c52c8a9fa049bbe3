"""Whether a model was trained on what it is measured on: found, and explained."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcn_core.bundles import photo_list
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.seal import seal
from fcn_core.records import dataset_info
from fcn_core.records.record import SegmentationRecord
from pipelines.evaluate.data import Data
from pipelines.evaluate.leak import find_leak
from pipelines.faults import UsageError
from tests.drawn import tiny_models, tiny_shards
from tests.runs.evaluate_runs import plan, write


def card_trained_on(**training: Any) -> ModelCard:
    return tiny_models.draw_card(training=training)


Trained = Callable[[dataset_info.DatasetInfo], dict[str, str]]


@pytest.mark.parametrize(
    ("training", "why", "compared", "not_compared"),
    [
        (lambda info: {}, None, "nothing", "does not name its training data"),
        (
            lambda info: {"data_split": "val", "data_fingerprint": info.fingerprint},
            "trained on the split val of this data set",
            "names of splits",
            "initial weights",
        ),
        (
            lambda info: {"data_split": "train", "data_fingerprint": info.fingerprint},
            "share 1 photos by sha256 and 1 by id",
            "sha256 and ids of 2 photos of val with 3 of train",
            "initial weights",
        ),
        (
            lambda info: {"data_split": "test", "data_fingerprint": "0" * 64},
            None,
            "nothing",
            "data 000000000000, which it was trained on, is not this folder",
        ),
        (
            lambda info: {
                "data": "voc",
                "data_split": "val",
                "data_fingerprint": "0" * 64,
            },
            "another folder of voc (000000000000) and does not list its photos",
            "nothing",
            "is not this folder",
        ),
    ],
)
def test_leaks_are_found_and_explained(
    training: Trained,
    why: str | None,
    compared: str,
    not_compared: str,
    records: list[SegmentationRecord],
    tmp_path: Path,
) -> None:
    splits = {"train": records[:3], "val": records[2:4]}
    data = tiny_shards.write_finished(tmp_path / "a", splits)
    info = dataset_info.read_dataset_info(data)
    card = card_trained_on(**training(info))
    leak = find_leak(card, tmp_path, Data.open(str(data), "val"))
    assert (leak.why is None) == (why is None)
    assert (why or "") in (leak.why or "")
    assert compared in leak.compared
    assert not_compared in leak.not_compared


def listing_bundle(folder: Path, bundle: Path, learned: list[Any]) -> Path:
    """Returns a copy of a bundle that lists the photos it learned from."""
    shutil.copytree(bundle, folder)
    (folder / photo_list.PHOTOS_NAME).write_bytes(
        photo_list.encode(photo_list.photos_of(learned))
    )
    card = ModelCard.read(folder)
    training = {"data": "voc", "data_split": "train", "data_fingerprint": "0" * 64}
    card = card.model_copy(update={"training": training})
    seal(card, folder, network=card.network).write(folder)
    return folder


def test_a_bundle_knows_its_photos_in_any_folder(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    """Neither shards nor names of splits hide a photo; other photos are let through."""
    model = listing_bundle(tmp_path / "model", bundle, records[:4])
    assert ModelCard.read(model).fingerprint == ModelCard.read(bundle).fingerprint
    again = {"val": records[2:7], "train": records[5:7]}
    data = tiny_shards.write_finished(tmp_path / "a", again)
    with pytest.raises(
        UsageError, match=r"trained on 2 of the 5 photos of val; .*--allow_leak"
    ) as caught:
        plan(model, data, tmp_path / "out.json")
    assert "\n" not in str(caught.value)
    plan(model, data, tmp_path / "out.json", "--allow_leak")
    clean = plan(model, data, tmp_path / "clean.json", "--split", "train")
    assert clean.plan.leak.why is None
    assert "2 photos of train with the 4 that" in clean.plan.leak.compared
    same_id = [dataclasses.replace(records[5], sha256="0" * 64)]
    data = tiny_shards.write_finished(
        tmp_path / "b", {"val": same_id, "train": records[5:6]}
    )
    with pytest.raises(UsageError, match="share 0 photos by sha256 and 1 by id"):
        plan(model, data, tmp_path / "id.json")


def test_a_damaged_list_of_photos_is_one_line(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    model = listing_bundle(tmp_path / "model", bundle, records[:4])
    data = write(tmp_path / "a", records[5:])
    listed = model / photo_list.PHOTOS_NAME
    listed.write_bytes(listed.read_bytes()[:-8])
    with pytest.raises(UsageError, match=r"training_photos\.bin in .*copy the whole"):
        plan(model, data, tmp_path / "out.json")
    listed.unlink()
    with pytest.raises(UsageError, match=r"lacks training_photos\.bin"):
        plan(model, data, tmp_path / "out.json")
    for damaged in (b"7 bytes", b"\x01" * 8 + b"\x00" * 8):
        listed.write_bytes(damaged)
        with pytest.raises(ModelError, match="no ascending list"):
            photo_list.read(model)


def test_a_leaking_split_needs_a_flag(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    data = write(tmp_path / "a", records[:1])
    info = dataset_info.read_dataset_info(data)
    card = ModelCard.read(bundle)
    leaking = tmp_path / "leaking"
    leaking.mkdir()
    for path in bundle.iterdir():
        (leaking / path.name).symlink_to(path)
    (leaking / "model_card.json").unlink()
    training = {"data_split": "val", "data_fingerprint": info.fingerprint}
    card.model_copy(update={"training": training}).write(leaking)
    with pytest.raises(UsageError, match=r"trained on the split val.*--allow_leak"):
        plan(leaking, data, tmp_path / "out.json")
    allowed = plan(leaking, data, tmp_path / "out.json", "--allow_leak")
    assert allowed.plan.leak.why is not None
