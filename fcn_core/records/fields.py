"""One field of a record: its key, its domain, and how it lies in a tf.Example."""

import dataclasses
import math
from typing import Any, Final, Literal

Kind = Literal["bytes", "text", "int", "float"]

_LISTS: Final = {
    "bytes": "bytes_list",
    "text": "bytes_list",
    "int": "int64_list",
    "float": "float_list",
}


class RecordError(Exception):
    """A record, or the file that holds it, is not what its description says.

    The cure is the catcher's to name: who wrote the record is not known here.
    """


@dataclasses.dataclass(frozen=True, slots=True)
class Feature:
    """How one field of a record is written.

    Attributes:
        key: Its name in the tf.Example.
        kind: "bytes", "text" (UTF-8 in a bytes list), "int" (int64) or "float"
            (float32).
        ragged: A tuple instead of exactly one value.
        lengths: How long that tuple may be; any length if empty.
        minimum: Lowest allowed number, or fewest characters of a text.
        maximum: Highest allowed number, or most characters of a text.
        may_be_nan: A float may be NaN, which then means "not known".
        values: The only texts allowed, where there is a closed list.
        is_image: The bytes are an encoded image.
        note: A remark for readers of the schema.
    """

    key: str
    kind: Kind
    ragged: bool = False
    lengths: tuple[int, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    may_be_nan: bool = False
    values: tuple[str, ...] = ()
    is_image: bool = False
    note: str = ""

    def check(self, value: Any) -> None:
        """Raises RecordError unless `value` lies in the feature's domain."""
        if self.lengths and len(value) not in self.lengths:
            self._refuse(value, f"{' or '.join(map(str, self.lengths))} values")
        for item in value if self.ragged else (value,):
            if self.values and item not in self.values:
                self._refuse(item, f"one of {', '.join(self.values)}")
            size = item if self.kind in ("int", "float") else len(item)
            if self.kind == "float" and math.isnan(size):
                if self.may_be_nan:
                    continue
                self._refuse(item, "a number")
            if self.minimum is not None and size < self.minimum:
                self._refuse(item, f"at least {self.minimum}")
            if self.maximum is not None and size > self.maximum:
                self._refuse(item, f"at most {self.maximum}")

    def _refuse(self, item: Any, expected: str) -> None:
        raise RecordError(f"{self.key} is {item!r:.80}, expected {expected}")


def fill(slot: Any, feature: Feature, value: Any) -> None:
    """Writes a value into a tf.train.Feature; an empty tuple keeps its type."""
    items = value if feature.ragged else (value,)
    if feature.kind == "text":
        items = [item.encode() for item in items]
    filled = getattr(slot, _LISTS[feature.kind])
    filled.SetInParent()
    filled.value.extend(items)


def value_of(slot: Any, feature: Feature) -> Any:
    """Returns what `fill` wrote, checked against the feature's domain."""
    expected = _LISTS[feature.kind]
    if slot.WhichOneof("kind") != expected:
        raise RecordError(
            f"{feature.key} holds {slot.WhichOneof('kind')}, expected {expected}"
        )
    items = list(getattr(slot, expected).value)
    if feature.kind == "text":
        items = [item.decode("utf-8", "replace") for item in items]
    if not feature.ragged and len(items) != 1:
        raise RecordError(f"{feature.key} holds {len(items)} values, expected one")
    value = tuple(items) if feature.ragged else items[0]
    feature.check(value)
    return value
