"""Reads a MatConvNet file in a killable child."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.lanes.messages import Header


class ReadMatConvNet:
    """Parses a `.mat` file of weights into an `.npz`.

    Args:
        config: Nothing; the files are in each request.
    """

    def __init__(self, config: Header):
        del config

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Returns what the file says about its network; see `matconvnet.read_mat`.

        Args:
            header: `source` and `target`, local paths.
            blobs: None.
        """
        import numpy as np

        from fcn_core.models.imported import mat

        del blobs
        tensors, about = mat.read_mat(Path(header["source"]))
        arrays: dict[str, Any] = dict(tensors)
        np.savez(header["target"], **arrays)
        return about, []
