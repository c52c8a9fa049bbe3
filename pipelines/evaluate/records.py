"""Where a plan's records lie, and the bytes of one: of a shard, or a table's photo."""

import itertools

from fcn_core.bad_image import BadImage
from fcn_core.records import tfrecord
from pipelines import files
from pipelines.evaluate import table
from pipelines.evaluate.data import Chunk
from pipelines.evaluate.plan import Evaluation
from pipelines.lanes.messages import Answer, Request

Place = tuple[str, int | None]


def offsets(evaluation: Evaluation, chunk: Chunk) -> list[int | None]:
    """Returns where each record of a chunk begins; None where that is not known."""
    if evaluation.plan.settings.targets is not None:
        found = table.read_rows(evaluation.files.rows, chunk)
        return [offset for offset, _ in found]
    if chunk.offset is None:
        return [None] * chunk.records
    with files.open_for_reading(files.join(evaluation.data, chunk.shard)) as file:
        frames = tfrecord.frame_offsets(file, start=chunk.offset)
        known: list[int | None] = list(itertools.islice(frames, chunk.records))
    return known + [None] * (chunk.records - len(known))


def request(
    evaluation: Evaluation, place: Place, *, pictures: bool = False
) -> Request | Answer:
    """Returns the request for a record, or why it cannot be read.

    Args:
        evaluation: Whose data it is.
        place: Its shard, and where it begins there; None where that is not known.
        pictures: Whether its photo and masks are wanted.
    """
    if evaluation.plan.settings.targets is not None:
        return _request_rated(evaluation, place[1] or 0, pictures=pictures)
    try:
        record = _read(evaluation, *place)
    except BadImage as bad:
        return Answer(bad=bad)
    shard, offset = place
    name = f"{files.join(evaluation.data, shard)}, byte {offset}"
    return Request({"pictures": pictures}, [record], name=name)


def _request_rated(
    evaluation: Evaluation, offset: int, *, pictures: bool
) -> Request | Answer:
    """Returns the request for a photo and the ratings that its row has."""
    row = table.read_row(evaluation.files.rows, offset)
    try:
        row.check()
        photo = row.read(evaluation.data)
    except BadImage as bad:
        return Answer(bad=bad)
    name = files.join(evaluation.data, row.path)
    known = {name: getattr(row, name) for name in ("votes", "mean", "std")}
    rated = {name: value for name, value in known.items() if value is not None}
    rated |= {"filename": row.path, "source_id": row.source_id}
    return Request({"pictures": pictures, "rated": rated}, [photo], name=name)


def _read(evaluation: Evaluation, shard: str, offset: int | None) -> bytes:
    if offset is None:
        detail = "the shard is damaged before this record; convert again"
        raise BadImage("corrupt", detail, stage="read")
    with files.open_for_reading(files.join(evaluation.data, shard)) as file:
        file.seek(offset)
        try:
            return next(tfrecord.read_frames(file))
        except (tfrecord.FrameError, StopIteration) as error:
            detail = "the record's bytes are damaged; convert again"
            raise BadImage("corrupt", detail, stage="read") from error
