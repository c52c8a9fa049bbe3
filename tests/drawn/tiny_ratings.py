"""A finished TFRecord folder of drawn photos with votes, for tests of evaluation."""

import hashlib
import math
from pathlib import Path

from fcn_core.records import dataset_info
from fcn_core.records.record import AestheticsRecord
from tests.drawn import tiny_models
from tests.drawn.tiny_shards import write_shard

VOTES = (
    (1, 2, 3, 4, 0),
    (0, 1, 9, 0, 0),
    (5, 5, 0, 0, 0),
    (0, 0, 0, 2, 8),
    (0, 3, 3, 3, 1),
    (2, 2, 2, 2, 2),
)


def draw_record(number: int, votes: tuple[int, ...]) -> AestheticsRecord:
    """Returns a record; its votes are for the ratings 1, 2, ..."""
    photo = tiny_models.draw_photo(40 + number, 52, seed=number)
    count = sum(votes)
    mean = sum(rating * n for rating, n in enumerate(votes, 1)) / count
    square = sum(rating**2 * n for rating, n in enumerate(votes, 1)) / count
    return AestheticsRecord(
        encoded=photo,
        format="jpeg",
        filename=f"{number}.jpg",
        source_id=str(number),
        sha256=hashlib.sha256(photo).hexdigest(),
        height=40 + number,
        width=52,
        channels=3,
        orientation=1,
        votes=votes,
        vote_count=count,
        mean=mean,
        std=math.sqrt(square - mean**2),
    )


def write_finished(folder: Path, records: list[AestheticsRecord], shards: int) -> Path:
    """Writes a data set with one split, `test`, over some shards."""
    folder.mkdir(parents=True)
    files = []
    for number in range(shards):
        name = f"test-{number:05}-of-{shards:05}.tfrecord"
        files.append(write_shard(folder / name, records[number::shards]))
    count = len(records)
    split = dataset_info.Split(
        read=count, records=count, rejected=0, shards=shards, files=files
    )
    info = dataset_info.DatasetInfo(
        dataset="ava",
        task="aesthetics",
        classes=None,
        void=None,
        splits={"test": split},
        rejected={},
        settings={},
        fingerprint=dataset_info.fingerprint({"test": split}),
    )
    (folder / dataset_info.INFO_NAME).write_text(info.to_json())
    (folder / dataset_info.COMPLETED_NAME).write_text("")
    return folder
