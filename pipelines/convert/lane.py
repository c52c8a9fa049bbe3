"""What a lane does for a conversion: file bytes -> a checked example."""

from collections.abc import Sequence
from typing import Final

from pipelines.lanes.messages import Header

_BEGINNING: Final = 64


class ConvertEntries:
    """Checks one entry of a data set and makes its example.

    Args:
        config: `maker` (see `fcn_core.datasets.makers`) and its `settings`.
    """

    def __init__(self, config: Header):
        from fcn_core import memory
        from fcn_core.datasets import makers

        memory.keep_freed_memory()
        self._maker = makers.open_maker(config["maker"], config["settings"])

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Returns the serialised example of an entry, or `rejected` and why.

        The photo is left out of the example: the worker has its bytes, and puts them
        back in at the place `at`.

        Args:
            header: The `Entry`.
            blobs: The bytes of its files, the photo first.
        """
        from fcn_core.datasets import makers
        from fcn_core.datasets.bad_record import BadRecord
        from fcn_core.datasets.listing import Entry

        try:
            record = makers.make_record(self._maker, Entry(**header), blobs)
        except BadRecord as bad:
            if bad.reason == "out-of-memory":  # the lane's limit, see `lanes.trial`
                raise MemoryError(bad.detail) from bad
            return {"rejected": bad.row()}, []
        example = record.encode()
        at = _find(record.encoded, example)
        rest = example[:at] + example[at + len(record.encoded) :]
        label = getattr(record, "label", None)
        pixels = _pixels(label) if isinstance(label, bytes) else []
        return {"at": at, "sha256": record.sha256, "pixels": pixels}, [rest]


def _pixels(label: bytes) -> list[tuple[int, int]]:
    """Returns the values of a checked label and how many pixels have each."""
    from fcn_core import images

    counts = images.count_values(images.decode_mask(label))
    return [(value, int(counts[value])) for value in counts.nonzero()[0].tolist()]


def _find(photo: bytes, example: bytes) -> int:
    """Returns where a photo lies in its example.

    A search for all of it would first study all of it; its beginning is enough to
    find candidates.
    """
    at = example.index(photo[:_BEGINNING])
    while not example.startswith(photo, at):
        at = example.index(photo[:_BEGINNING], at + 1)
    return at
