"""Batches from finished shards: complete, repeatable, the pixels of scoring."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fcn_core import images
from fcn_core.records import tfrecord
from fcn_core.records.dataset_info import COMPLETED_NAME, DatasetError
from fcn_core.records.record import SegmentationRecord
from fcn_core.records.source import Source
from fcn_core.training.batches import Batch, MakeExamples, decode_pair, training_batches
from tests.drawn import tiny_shards


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.drawn_data(tmp_path_factory.mktemp("data"), train=7, val=2)


def ids(source: Source) -> list[str]:
    return [record.source_id for record in source.records()]


def numbers(source: Source, *, epoch: int, batch_size: int = 2, seed: int = 1) -> list:
    """Runs an epoch whose examples are (number of the photo, a random number)."""

    def example(
        record: SegmentationRecord, rng: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        number = int(record.source_id[-6:])
        return np.array([number], np.int64), rng.integers(0, 1 << 30, 1)

    batches = training_batches(
        source,
        example,
        signature=(("int64", ()), ("int64", ())),
        batch_size=batch_size,
        seed=seed,
        epoch=epoch,
    )
    return [tuple(part.tolist() for part in batch[0]) for batch in batches]


def test_every_record_once(data: Path) -> None:
    source = Source(folder=data, split="train")
    assert sorted(ids(source)) == [f"2007_{n:06d}" for n in range(7)]
    assert source.count() == 7
    assert len(ids(Source(folder=data, split="val"))) == 2


def test_holdout_and_training_part_the_split(data: Path) -> None:
    source = Source(folder=data, split="train", holdout=0.4)
    training, holdout = (replace(source, part=p) for p in ("training", "holdout"))
    assert sorted(ids(training) + ids(holdout)) == sorted(ids(source))
    assert 0 < holdout.count() < 7
    assert training.count() + holdout.count() == 7


def test_epochs_repeat_for_a_seed_and_differ_from_each_other(data: Path) -> None:
    source = Source(folder=data, split="train")
    assert numbers(source, epoch=1) == numbers(source, epoch=1)
    assert numbers(source, epoch=1) != numbers(source, epoch=2)
    assert numbers(source, epoch=1) != numbers(source, epoch=1, seed=2)
    whole = numbers(source, epoch=3, batch_size=7)[0]
    assert sorted(whole[0]) == list(range(7))
    assert len(set(whole[1])) == 7


def test_rest_waits_unless_it_is_all(data: Path) -> None:
    source = Source(folder=data, split="train")
    assert [len(batch[0]) for batch in numbers(source, epoch=1, batch_size=3)] == [3, 3]
    assert [len(batch[0]) for batch in numbers(source, epoch=1, batch_size=9)] == [7]


def test_a_batch_of_mixed_sizes_is_a_piece_a_size(data: Path) -> None:
    source = Source(folder=data, split="train")

    def example(
        record: SegmentationRecord, _: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        return (np.zeros((1, 2 + record.height // 40, 3), np.uint8),)

    batches = training_batches(
        source,
        example,
        signature=(("uint8", (None, None)),),
        batch_size=4,
        seed=1,
        epoch=1,
    )
    first, rest = batches
    shapes = [piece[0].shape for piece in (*first, *rest)]
    assert [sum(len(piece[0]) for piece in batch) for batch in (first, rest)] == [4, 3]
    assert len({shape[1] for shape in shapes}) == 2
    assert max(len(first), len(rest)) == 2  # mixed sizes in one batch, a piece a size


def test_pixels_are_those_of_scoring(data: Path) -> None:
    for record in Source(folder=data, split="val").records():
        pixels, label = decode_pair(record, classes=21, void=255)
        assert np.array_equal(pixels, images.decode(record.encoded).pixels)
        assert label.shape == pixels.shape[:2]
        assert set(np.unique(label)) - {0, 255} == set(record.classes)


def test_labels_that_do_not_fit_name_the_photo(data: Path) -> None:
    record = next(Source(folder=data, split="train").records())
    top = max(record.classes)
    with pytest.raises(
        ValueError, match=f"{record.filename}: its label contains class"
    ):
        decode_pair(record, classes=top, void=255)
    small = replace(record, label=images.encode_grey(np.zeros((3, 4), np.uint8)))
    with pytest.raises(ValueError, match=f"{record.filename}: the label is"):
        decode_pair(small, classes=21, void=255)


def one_by_one(source: Source, example: MakeExamples) -> Iterator[Batch]:
    """An epoch of examples that are a number each."""
    return training_batches(
        source,
        example,
        signature=(("int64", ()),),
        batch_size=1,
        seed=1,
        epoch=1,
    )


def test_what_cannot_be_learned_from_is_refused_in_one_line(data: Path) -> None:
    def example(
        record: SegmentationRecord, _: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        images.decode(record.encoded[:200])
        raise AssertionError("a damaged photo was decoded")

    batches = one_by_one(Source(folder=data, split="val"), example)
    with pytest.raises(DatasetError, match=r"2007_00000\d\.jpg: ") as caught:
        next(batches)
    assert "\n" not in str(caught.value)


def test_a_part_is_counted_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    frames = tfrecord.read_frames

    def counted(path: Path) -> Iterator[bytes]:
        read.append(path)
        return frames(path)

    monkeypatch.setattr(tfrecord, "read_frames", counted)
    part = Source(folder=data, split="train", part="training", holdout=0.5)
    first, shards = part.count(), len(read)
    assert shards == part.info.splits["train"].shards
    assert part.count() == first
    assert len(read) == shards
    rest = replace(part, part="holdout").count()  # another part has its own count
    assert first + rest == part.info.splits["train"].records


def test_a_damaged_shard_is_one_line(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(data, folder)
    shard = sorted(folder.glob("train-*"))[0]
    content = bytearray(shard.read_bytes())
    content[200] ^= 1
    shard.write_bytes(content)
    batches = one_by_one(
        Source(folder=folder, split="train"),
        lambda record, _: (np.zeros(1, np.int64),),
    )
    with pytest.raises(
        DatasetError, match=r"checksum; convert the data set again$"
    ) as caught:
        list(batches)
    assert "\n" not in str(caught.value)


def test_unfinished_folder_is_refused(tmp_path: Path) -> None:
    folder = tiny_shards.drawn_data(tmp_path, train=1, val=1)
    (folder / COMPLETED_NAME).unlink()
    with pytest.raises(DatasetError, match="without COMPLETED"):
        list(Source(folder=folder, split="train").records())


def test_unknown_split_is_refused(data: Path) -> None:
    with pytest.raises(DatasetError, match="expected one of"):
        list(Source(folder=data, split="test").records())
