"""A lane that takes as long as it is asked to."""

import time
from collections.abc import Sequence

from fcn_core.bad_image import BadImage
from pipelines.lanes.messages import Header


class Paced:
    """Takes `seconds` for each photo, and `first` besides for its first one."""

    def __init__(self, config: Header):
        self._seconds, self._first = config["seconds"], config.get("first", 0.0)

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        del header
        time.sleep(self._seconds + self._first)
        self._first = 0.0
        if blobs[0].startswith(b"bad"):
            raise BadImage("corrupt", "drawn so")
        return {}, []
