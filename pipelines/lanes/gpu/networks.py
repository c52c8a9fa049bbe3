"""What the lane of a device does: rows of pixels in a batch -> rows of logits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcn_core.bad_image import BadImage
from fcn_core.bundles.card import ModelError
from pipelines.lanes.gpu.arena import Arena
from pipelines.lanes.messages import Header
from pipelines.lanes.models import open_networks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Networks:
    """Computes batches with the models of a plan.

    Args:
        config: What `lanes.models.open_networks` needs, and the `arena`.
    """

    def __init__(self, config: Header):
        self._networks = open_networks(config)
        self._memory = Arena(**config["arena"]).map()

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Computes a batch.

        Args:
            header: `model`; `size` of the batch, as rows, height, width; `rows`: where
                the pixels of each and its logits begin. Zeros fill the rest.
            blobs: None.

        Raises:
            BadImage: The device failed; nobody knows over which row.
        """
        from fcn_core.scoring.device import write_row

        del blobs
        network, rows = self._networks[header["model"]], header["rows"]
        try:
            computed = network.compute(self._gather(header))
        except (BadImage, ModelError, MemoryError):
            raise
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            raise BadImage("inference-error", detail, stage="score") from error
        for number, (_, *places) in enumerate(rows):
            write_row(computed, number, self._memory, places=places)
        return {}, []

    def _gather(self, header: Header) -> "NDArray[np.uint8]":
        """Returns the pixels of a batch, uint8 `[B, H, W, 3]`."""
        import numpy as np

        from fcn_core.scoring.stages import array_at

        size, height, width = header["size"]
        rows = self._networks[header["model"]].batch_rows(len(header["rows"]), size)
        batch = np.zeros((rows, height, width, 3), np.uint8)
        for number, (start, *_) in enumerate(header["rows"]):
            batch[number] = array_at(
                self._memory, start, (height, width, 3), dtype=np.uint8
            )
        return batch
