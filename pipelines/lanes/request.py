"""One item on its way through a lane."""

from dataclasses import dataclass, field
from typing import Any

from fcn_core.bad_image import BadImage
from pipelines.lanes.messages import Header


@dataclass
class Request:
    """One thing to do, and after it is done, what came of it.

    Attributes:
        key: The caller's own name for it.
        header: JSON-able settings of this request.
        blobs: Bytes to work on.
        reply: The task's answer, None where there is none.
        reply_blobs: Bytes of the answer.
        bad: Why there is no answer.
    """

    key: Any
    header: Header
    blobs: list[bytes]
    reply: Header | None = None
    reply_blobs: list[bytes] = field(default_factory=list)
    bad: BadImage | None = None
