"""Messages: what is none is refused before memory is taken for it."""

import io
from typing import Any

import pytest

from pipelines.lanes.messages import Garbled, parse_answers, read_message
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


@pytest.mark.parametrize(
    "described",
    [
        None,
        [],
        [1],
        [[{"reply": {}}]],
        [[{"reply": {}}, 3]],
        [[{"reply": {}}, -1]],
        [[{"reply": []}, 2]],
        [[{"bad": {"reason": "x", "detail": ""}}, 2]],
        [[{"reply": {}}, 1], [{"reply": {}}, 1]],
    ],
)
def test_what_are_no_answers_is_refused(described: Any) -> None:
    with pytest.raises(Garbled, match=r"^got "):
        parse_answers(described, [b"a", b"b"], count=1)


def test_each_answer_has_its_own_blobs() -> None:
    described = [[{"reply": {"n": 1}}, 1], [{"reply": {"n": 2}}, 2]]
    first, second = parse_answers(described, [b"a", b"b", b"c"], count=2)
    assert (first.reply, first.blobs) == ({"n": 1}, [b"a"])
    assert (second.reply, second.blobs) == ({"n": 2}, [b"b", b"c"])
