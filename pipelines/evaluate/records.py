"""Where a plan's records lie in their shards, and the bytes of one of them."""

import itertools
from typing import Any

from fcn_core.bad_image import BadImage
from fcn_core.records import tfrecord
from pipelines import files
from pipelines.evaluate.data import Chunk
from pipelines.evaluate.plan import Evaluation
from pipelines.lanes.request import Request

Place = tuple[str, int | None]


def offsets(evaluation: Evaluation, chunk: Chunk) -> list[int | None]:
    """Returns where each record of a chunk begins; None where that is not known."""
    if chunk.offset is None:
        return [None] * chunk.records
    path = files.to_path(files.join(evaluation.data, chunk.shard))
    found = tfrecord.frame_offsets(path, start=chunk.offset)
    known: list[int | None] = list(itertools.islice(found, chunk.records))
    return known + [None] * (chunk.records - len(known))


def request(
    evaluation: Evaluation, place: Place, *, key: Any, pictures: bool = False
) -> Request:
    """Returns a record as a lane is asked for it, or why it cannot be read.

    Args:
        evaluation: Whose data it is.
        place: Its shard, and where it begins there; None where that is not known.
        key: The caller's own name for it.
        pictures: Whether its photo and masks are wanted.
    """
    asked = Request(key=key, header={"pictures": pictures}, blobs=[])
    try:
        asked.blobs.append(_read(evaluation, *place))
    except BadImage as bad:
        asked.bad = bad
    return asked


def _read(evaluation: Evaluation, shard: str, offset: int | None) -> bytes:
    if offset is None:
        detail = "the shard is damaged before this record; convert again"
        raise BadImage("corrupt", detail, stage="read")
    path = files.to_path(files.join(evaluation.data, shard))
    with path.open("rb") as file:
        file.seek(offset)
        try:
            return next(tfrecord.read_frames(file))
        except (tfrecord.FrameError, StopIteration) as error:
            detail = "the record's bytes are damaged; convert again"
            raise BadImage("corrupt", detail, stage="read") from error
