"""A finished TFRecord folder of a drawn miniature VOC, for tests of training."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fcn_core.datasets.pascal import drawn
from fcn_core.labels import VOC_CLASSES
from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.record import AestheticsRecord
from tests.drawn import tiny_ava, tiny_data


def write_shard(path: Path, records: Sequence[Any]) -> dataset_info.Shard:
    """Writes records as a file of a data set, and returns how it is described."""
    with path.open("wb") as file:
        for record in records:
            tfrecord.write_frame(file, record.encode())
    data = path.read_bytes()
    return dataset_info.Shard(
        name=path.name,
        records=len(records),
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def write_finished(folder: Path, splits: Mapping[str, Sequence[Any]]) -> Path:
    """Writes records as a data set that `fcn convert voc` or `ava` could have made."""
    folder.mkdir(parents=True)
    described = {}
    for split, records in splits.items():
        files = []
        for number, part in enumerate((records[::2], records[1::2])):
            name = f"{split}-{number:05d}-of-00002.tfrecord"
            files.append(write_shard(folder / name, part))
        described[split] = dataset_info.Split(
            read=len(records),
            records=len(records),
            rejected=0,
            shards=len(files),
            files=files,
        )
    rated = isinstance(next(iter(splits.values()))[0], AestheticsRecord)
    info = dataset_info.DatasetInfo(
        dataset="ava" if rated else "voc",
        task="aesthetics" if rated else "segmentation",
        classes=None if rated else list(VOC_CLASSES),
        void=None if rated else 255,
        splits=described,
        rejected={},
        settings={},
        fingerprint=dataset_info.fingerprint(described),
    )
    (folder / dataset_info.INFO_NAME).write_text(info.to_json())
    (folder / dataset_info.COMPLETED_NAME).write_text("")
    return folder


def drawn_records(
    root: Path,
    *,
    train: int,
    val: int,
    sizes: Sequence[tuple[int, int]] = tiny_data.ODD_SIZES,
) -> dict[str, list]:
    """Draws a miniature VOC and returns its records by split."""
    tree = str(tiny_data.voc_tree(root, train=train, val=val, sizes=sizes))
    ids = [f"2007_{number:06d}" for number in range(train + val)]
    records = [tiny_data.load_pair(tree, source_id) for source_id in ids]
    return {"train": records[:train], "val": records[train:]}


def drawn_data(root: Path, *, train: int = 4, val: int = 2) -> Path:
    """Draws a finished TFRecord folder below `root`."""
    records = drawn_records(root / "tree", train=train, val=val)
    return write_finished(root / "records", records)


def rated_records(count: int, *, side: int = 64) -> list[AestheticsRecord]:
    """Draws rated photos; every second one is high, the last belongs to no half."""
    records = []
    for number in range(count):
        scene = drawn.draw_scene(number, height=side, width=side + 16)
        photo = io.BytesIO()
        Image.fromarray(scene.pixels).save(photo, "JPEG", quality=90)
        votes = tiny_ava.votes(number)
        total = sum(votes)
        mean = sum(vote * rating for rating, vote in enumerate(votes, 1)) / total
        records.append(
            AestheticsRecord(
                encoded=photo.getvalue(),
                format="jpeg",
                filename=f"{number}.jpg",
                source_id=str(number),
                sha256=hashlib.sha256(photo.getvalue()).hexdigest(),
                height=side,
                width=side + 16,
                channels=3,
                orientation=1,
                votes=votes,
                vote_count=total,
                mean=mean,
                label=-1 if number == count - 1 else number % 2,
            )
        )
    return records


def rated_data(folder: Path, *, train: int, test: int) -> Path:
    """Writes photos with votes as a finished data set with two splits."""
    records = rated_records(train + test)
    splits = {"train": records[:train], "test": records[train:]}
    return write_finished(folder / "data", splits)
