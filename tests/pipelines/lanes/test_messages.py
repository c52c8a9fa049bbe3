"""Messages: what is none is refused before memory is taken for it."""

import io

import pytest

from pipelines.lanes.messages import Garbled, read_message
from tests.doubles.lane import framed


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"Corrupt JPEG data",
        framed(b"\x80{"),
        framed(b"[" * 100_000),
        framed(b"[]"),
        framed(b"[1,[]]"),
        framed(b"[{},[-1]]"),
        framed(b"[{},[true]]"),
        framed(b'[{},["1"]]'),
        framed(b"[{},[99999999999]]"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(Garbled, match="got a head"):
        read_message(io.BytesIO(data))


@pytest.mark.parametrize("data", [b"", b"\1", framed(b"[{},[9]]")[:-1]])
def test_a_message_that_ends_early_is_none(data: bytes) -> None:
    assert read_message(io.BytesIO(data)) is None
