"""What lanes and their owner send each other: requests, answers, messages in pipes.

A message is a JSON header and any number of blobs:
    4 bytes: length of the head; the head; then the blobs, one after the other.
The head is JSON: the header, and the length of each blob. A message is written with one
call and read with few: each costs as much as some of the work.
"""

import contextlib
import fcntl
import functools
import itertools
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from fcn_core.bad_image import BadImage

Header = dict[str, Any]

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_LENGTH: Final = struct.Struct("<I")
_PIPE_BYTES: Final = 1 << 20
_MAX_BUFFERS: Final = 512
"""Linux takes at most 1024 buffers in one call."""

_MAX_BYTES_AT_ONCE: Final = 1 << 17
"""Of small blobs that are read together, and then copied."""

_MAX_HEAD_BYTES: Final = 64 << 20
_MAX_BLOB_BYTES: Final = 1 << 30
"""No photo, mask or record is as long: what says so is not a message."""


class Garbled(ValueError):
    """What was read is not a message."""


@dataclass(frozen=True)
class Request:
    """What a lane is to do.

    Attributes:
        header: JSON-able settings of this request.
        blobs: Bytes to work on.
        name: What a person knows the item by, such as a photo's URI.
    """

    header: Header
    blobs: Sequence[bytes]
    name: str = ""

    @functools.cached_property
    def total_bytes(self) -> int:
        """Length of its blobs."""
        return sum(map(len, self.blobs))


@dataclass(frozen=True)
class Answer:
    """The outcome of a request, or of an item for which no lane had to be asked.

    Attributes:
        reply: The task's JSON-able reply; empty where the item is bad.
        blobs: Bytes of the reply.
        bad: Why there is no reply, else None.
    """

    reply: Header = field(default_factory=dict)
    blobs: Sequence[bytes] = ()
    bad: BadImage | None = None


def write_message(
    descriptor: int, header: Mapping[str, Any], blobs: Sequence[bytes]
) -> None:
    """Writes one message to a file descriptor."""
    sizes = [len(blob) for blob in blobs]
    head = _ENCODER.encode([header, sizes]).encode()
    buffers = [memoryview(part) for part in (_LENGTH.pack(len(head)) + head, *blobs)]
    while buffers:
        written = os.writev(descriptor, buffers[:_MAX_BUFFERS])
        while buffers and written >= len(buffers[0]):
            written -= len(buffers.pop(0))
        if written:
            buffers[0] = buffers[0][written:]


def read_message(file: BinaryIO) -> tuple[Header, list[bytes]] | None:
    """Reads one message; None where the stream ends, also in the middle of one.

    Raises:
        Garbled: It is not a message.
    """
    try:
        (length,) = _LENGTH.unpack(_read_exactly(file, _LENGTH.size))
        if length > _MAX_HEAD_BYTES:
            raise Garbled(f"got a head of {length} bytes")
        header, sizes = _parse_head(_read_exactly(file, length))
        return header, _read_blobs(file, sizes)
    except EOFError:
        return None


def parse_answers(
    described: Any, blobs: Sequence[bytes], *, count: int
) -> list[Answer]:
    """Returns the answers of a message.

    Args:
        described: For each of them a `reply` or why it is `bad`, and how many blobs.
        blobs: Of all answers.
        count: How many answers there must be.

    Raises:
        Garbled: It says something else.
    """
    answers, first = list[Answer](), 0
    try:
        for outcome, length in described:
            answers.append(_parse_answer(outcome, blobs[first : first + length]))
            first += length
    except (AttributeError, TypeError, ValueError) as error:
        raise Garbled(f"got no answers: {error}") from error
    if (len(answers), first) != (count, len(blobs)):
        raise Garbled(f"got {len(answers)} answers, expected {count}")
    return answers


def _parse_answer(outcome: Any, blobs: Sequence[bytes]) -> Answer:
    if type(reply := outcome.get("reply")) is dict:
        return Answer(reply, blobs)
    if type(verdict := outcome.get("bad")) is dict:
        return Answer(bad=BadImage(**verdict))
    raise Garbled("got an answer without an outcome")


def _parse_head(head: bytes) -> tuple[Header, list[int]]:
    try:
        parsed = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise Garbled("got a head that is not JSON") from error
    match parsed:
        case [dict(header), list(sizes)] if all(
            type(size) is int and 0 <= size <= _MAX_BLOB_BYTES for size in sizes
        ):
            return header, sizes
    raise Garbled("got a head without a header and lengths")


def widen(descriptor: int) -> None:
    """Lets a pipe hold a whole photo, so that neither end waits within one."""
    with contextlib.suppress(OSError, AttributeError):  # no Linux, or not allowed
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _read_blobs(file: BinaryIO, sizes: Sequence[int]) -> list[bytes]:
    """Reads blobs; small ones at once, since each read costs as much as they do."""
    total = sum(sizes)
    if len(sizes) < 2 or total > _MAX_BYTES_AT_ONCE:
        return [_read_exactly(file, size) for size in sizes]
    data, ends = _read_exactly(file, total), itertools.accumulate(sizes)
    return [data[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _read_exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise EOFError
    return data
