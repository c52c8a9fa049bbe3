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
        self.networks = open_networks(config)
        self.memory = Arena(**config["arena"]).map()

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
        del blobs
        try:
            self.compute(header)
        except (BadImage, ModelError, MemoryError):
            raise
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            raise BadImage("inference-error", detail, stage="score") from error
        return {}, []

    def compute(self, header: Header) -> None:
        """Computes a batch, and writes its logits; see `__call__`."""
        from fcn_core.geometry import Size
        from fcn_core.scoring.device import write_row

        size, *padded = header["size"]
        computed = self.networks[header["model"]].compute(
            self.pixels(header), padded=Size(*padded), size=size
        )
        # With no row at all the network runs, too.
        for number, logits in enumerate(computed):
            _, *places = header["rows"][number]
            write_row(logits, self.memory, places=places)

    def pixels(self, header: Header) -> "list[NDArray[np.uint8]]":
        """Returns the pixels of each row where they lie, uint8 `[H, W, 3]`."""
        import numpy as np

        from fcn_core.scoring.stages import array_at

        shape = (*header["size"][1:], 3)
        return [
            array_at(self.memory, start, shape, dtype=np.uint8)
            for start, *_ in header["rows"]
        ]
