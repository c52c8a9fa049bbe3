"""What a lane of `fcn evaluate` does: a record in, its row and pictures out."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.bundles.card import ModelError
from fcn_core.evaluation import photo
from fcn_core.evaluation.photo import RatedPhoto
from fcn_core.records.fields import RecordError
from fcn_core.records.record import RECORD_OF, Record, SegmentationRecord
from pipelines.lanes.messages import Header
from pipelines.lanes.models import open_models

if TYPE_CHECKING:
    from fcn_core.metrics.confusion import ConfusionMatrix
    from fcn_core.metrics.ratings import RatingRows
    from fcn_core.scoring import PhotoScore


class EvaluateRecords:
    """Compares what a model says about a photo with what its record says.

    Args:
        config: What `lanes.models.open_models` needs, and `task`, `class_ids`, `bins`,
            `void` of the plan.
    """

    def __init__(self, config: Header):
        self._photos = open_models(config)
        self._record_type: type[Record] = RECORD_OF[config["task"]]
        self._class_ids = config["class_ids"]
        self._bins = config["bins"]
        self._void = frozenset(config["void"])

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Evaluates one record.

        Args:
            header: `pictures`: whether the photo and its masks are wanted.
            blobs: The serialised record; or a photo, where the header has what it is
                `rated`.

        Returns:
            The photo's row; as blobs its photo, and its label and mask if it has some.

        Raises:
            BadImage: The record cannot be used.
        """
        record = self._record(header, blobs[0])
        try:
            row, score = self._evaluate(record)
        except (BadImage, ModelError, MemoryError):
            raise
        except ValueError as error:
            detail = f"the target: {error}"
            raise BadImage("corrupt", detail, stage="score") from error
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            raise BadImage("inference-error", detail, stage="score") from error
        row |= {
            "source_id": record.source_id,
            "filename": record.filename,
            "sha256": record.sha256,
            "width": score.width,
            "height": score.height,
        }
        if not header["pictures"]:
            return row, []
        pictures = [record.encoded]
        if isinstance(record, SegmentationRecord) and score.mask_png is not None:
            # In the data set's class ids, as the label is.
            class_map = images.decode_mask(score.mask_png)
            mask = np.asarray(self._class_ids, np.uint8)[class_map]
            pictures += [record.label, images.encode_mask(mask)]
        return row, pictures

    def _record(self, header: Header, data: bytes) -> Record | RatedPhoto:
        if "rated" in header:
            return RatedPhoto(encoded=data, **header["rated"])
        try:
            return self._record_type.parse(data)
        except RecordError as error:
            raise BadImage("corrupt", f"the record: {error}", stage="read") from error

    def _evaluate(self, record: Record | RatedPhoto) -> tuple[Header, "PhotoScore"]:
        if isinstance(record, SegmentationRecord):
            seen = photo.segment(
                self._photos, record, class_ids=self._class_ids, void=self._void
            )
            return _segmented(seen.confusion), seen.score
        rated = photo.rate(self._photos, record, bins=self._bins)
        return _rated(rated.row), rated.score


def _segmented(confusion: "ConfusionMatrix") -> Header:
    flat = confusion.counts.ravel()
    cells = np.flatnonzero(flat)
    scores = confusion.result()
    return {
        "confusion": [cells.tolist(), flat[cells].tolist()],
        "iou": _known(scores.miou),
        "pixel_accuracy": _known(scores.pixel_accuracy),
    }


def _rated(row: "RatingRows") -> Header:
    values = {name: _known(float(column[0])) for name, column in row.named.items()}
    target = row.targets[0].tolist()
    return {**values, "target": None if math.isnan(target[0]) else target}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
