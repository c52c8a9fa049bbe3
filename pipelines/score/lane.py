"""What a lane does for a night: photo bytes -> score and mask."""

import dataclasses
from collections.abc import Sequence

from fcn_core.bad_image import BadImage
from fcn_core.bundles.card import ModelError
from pipelines.lanes.messages import Header
from pipelines.lanes.models import open_models


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
        try:
            score = self._photos.score_photo(blobs[0])
        except (BadImage, ModelError, MemoryError):
            raise
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            raise BadImage("inference-error", detail, stage="score") from error
        values: Header = dataclasses.asdict(score)
        mask = values.pop("mask_png")
        return values, [] if mask is None else [mask]
