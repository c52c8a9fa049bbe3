"""What a lane does for a night: photo bytes -> score and mask.

With a device it does that in two steps, what is before the networks and what is after.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.bundles.card import ModelError
from fcn_core.scoring import PhotoScore
from pipelines.lanes.gpu.arena import Arena
from pipelines.lanes.messages import Header
from pipelines.lanes.models import open_models, open_stages

_FIELDS: Final = tuple(field.name for field in dataclasses.fields(PhotoScore))


class ScorePhotos:
    """Turns the bytes of a photo into the values of its row and its mask.

    Args:
        config: See `open_models`.
    """

    def __init__(self, config: Header):
        self._photos = open_models(config)

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Scores the photo whose encoded bytes are the only blob.

        Raises:
            BadImage: The photo cannot be scored.
        """
        del header
        with _failures_as_bad_images():
            score = self._photos.score_photo(blobs[0])
        return _answer(score)


class PhotosAroundDevice:
    """Decodes photos for a device, and makes the values of their rows of its logits.

    Args:
        config: See `open_stages`; and the `arena`.
    """

    def __init__(self, config: Header):
        from fcn_core.scoring.prepared import Prepared

        self._stages, self._known = open_stages(config), Prepared.from_json
        self._arena = Arena(**config["arena"])
        self._memory = self._arena.map()

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Does what comes before the device, or what comes after it.

        Args:
            header: `slot`, None where nothing is to be written; and `photo`, the reply
                of the first step, if this is the second.
            blobs: In the first step the photo's encoded bytes.

        Raises:
            BadImage: The photo cannot be scored.
        """
        slot = header["slot"]
        block = None if slot is None else self._arena.block(self._memory, slot)
        with _failures_as_bad_images():
            if block is not None and "photo" in header:
                prepared = self._known(header["photo"])
                return _answer(self._stages.finish(prepared, block))
            prepared = self._stages.prepare(blobs[0], block)
            rows = [
                [row.model, *row.padded, row.pixels, *row.logits]
                for row in self._stages.rows(prepared)
            ]
            return {"photo": prepared.to_json(), "rows": rows}, []


@contextlib.contextmanager
def _failures_as_bad_images() -> Iterator[None]:
    try:
        yield
    except (BadImage, ModelError, MemoryError):
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        raise BadImage("inference-error", detail, stage="score") from error


def _answer(score: PhotoScore) -> tuple[Header, list[bytes]]:
    # All of it is JSON as it is: `asdict` would copy every number.
    values: Header = {name: getattr(score, name) for name in _FIELDS}
    mask = values.pop("mask_png")
    return values, [] if mask is None else [mask]
