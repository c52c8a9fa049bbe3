"""What is decided once and never changes: values with a hash of their own content.

A plan is such a value. It is created once in its output; a second launch, after a kill
or at the same time, goes on with the plan that is there or names what differs.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from fcn_core.canonical import content_sha256, readable_json
from pipelines import files
from pipelines.faults import SystemicFault, UsageError

_MAX_TEXT = 80


def is_absent(value: object) -> bool:
    """Whether a field that later versions added is not to be written."""
    return value is None or value == ()


class Frozen(BaseModel):
    """A value that files hold: unknown fields are refused, known ones stay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def encode(self) -> bytes:
        """Returns the value as a file."""
        return readable_json(self.model_dump(mode="json"))


class Identified(Frozen):
    """A frozen value that names itself: one field is the hash of the others.

    Attributes:
        id_field: The name of that field.
    """

    id_field: ClassVar[str] = "plan_id"

    def identified(self) -> Self:
        """Returns the value with its id."""
        return self.model_copy(update={self.id_field: self._own_id()})

    @property
    def is_sound(self) -> bool:
        """Whether the id is that of the content."""
        return getattr(self, self.id_field) == self._own_id()

    def _own_id(self) -> str:
        return content_sha256(self.model_dump(mode="json", exclude={self.id_field}))


Value = TypeVar("Value", bound=Identified)


def read(uri: str, kind: type[Value], *, cure: str) -> Value | None:
    """Returns a frozen value; None where there is none.

    Args:
        uri: Its file.
        kind: Its class.
        cure: What to do where the file is damaged.

    Raises:
        SystemicFault: The file is damaged.
    """
    return read_one_of(uri, (kind,), cure=cure)


def read_one_of(uri: str, kinds: Sequence[type[Value]], *, cure: str) -> Value | None:
    """Returns a frozen value of one of some classes; None where there is none.

    Args:
        uri: Its file.
        kinds: The classes, no two of which take the same value.
        cure: What to do where the file is damaged.

    Raises:
        SystemicFault: The file is damaged.
    """
    try:
        data = files.read_bytes(uri)
    except FileNotFoundError:
        return None
    for kind in kinds:
        with contextlib.suppress(ValueError):  # pydantic's errors are ValueErrors, too
            if (value := kind.model_validate_json(data)).is_sound:
                return value
    raise damaged(uri, kinds[0], cure=cure)


def damaged(uri: str, kind: type[Identified], *, cure: str) -> SystemicFault:
    """Returns the fault of a frozen value that is not what was written."""
    what = kind.id_field.removesuffix("_id")
    return SystemicFault(
        f"{uri}: got a damaged {what}, expected what this program froze; {cure}"
    )


def check_same(
    planned: Mapping[str, Any], got: Mapping[str, Any], *, cure: str, flag: str = ""
) -> None:
    """Refuses to go on under other settings.

    Args:
        planned: Settings that were frozen, as JSON values.
        got: Settings of this command.
        cure: Where the frozen ones stand, and what to do.
        flag: What begins the name of a setting, such as `--`.

    Raises:
        UsageError: Names the first difference.
    """
    for name in dict.fromkeys((*got, *planned)):
        before, now = planned.get(name), got.get(name)
        if before != now:
            raise UsageError(
                f"{flag}{name}: got {_short(now)}, expected {_short(before)} {cure}"
            )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "..."
