"""Standard streams that take whatever is said: what is said never decides what is done.

A service starts commands with closed streams, a log has the encoding of another decade,
a pipe's reader leaves, a log's disk is full. None of that may end a night or change an
exit code, so `settle` replaces the streams once, before a command begins.
"""

import codecs
import io
import json
import os
import select
import sys
from typing import IO, Any, Final, cast

_STANDARD: Final = (0, 1, 2)
_ESCAPES: Final = "fcn-escapes"


def settle() -> None:
    """Opens closed streams onto nothing, and has no write fail; call it first."""
    _open_closed()
    codecs.register_error(_ESCAPES, _escaped)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _settled(sys.stdout, 1)
    sys.stderr = _settled(sys.stderr, 2)


def has_reader() -> bool:
    """Returns whether standard output may still be read: False once a write failed."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return not (isinstance(raw, _Unfailing) and raw.failure is not None)


def report_loss() -> None:
    """Flushes both streams; says so where a part of standard output was lost.

    A reader that left, as in `fcn status | head`, has all that it wanted.
    """
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = raw.failure if isinstance(raw, _Unfailing) else None
    if failure is not None and not isinstance(failure, BrokenPipeError):
        sys.stderr.write(
            f"fcn: standard output: got {str(failure.strerror).lower()}, expected to "
            "write to it; what was done is done, and the exit code tells how\n"
        )
    sys.stderr.flush()


def _open_closed() -> None:
    """Fills closed descriptors: the next file to be opened would become the output."""
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != descriptor:
                os.dup2(nothing, descriptor)
                os.close(nothing)
            os.set_inheritable(descriptor, True)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Spells what an encoding does not have as JSON does, so that JSON stays JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _settled(stream: IO[str] | None, descriptor: int) -> Any:
    """Returns a stream for a descriptor whose writes do not fail."""
    encoding, is_terminal = "utf-8", os.isatty(descriptor)
    if stream is not None:
        _flush(stream)
        encoding = getattr(stream, "encoding", None) or encoding
    buffer = io.BufferedWriter(cast(Any, _Unfailing(descriptor)))
    return io.TextIOWrapper(
        buffer,
        encoding=encoding,
        errors=_ESCAPES,
        line_buffering=is_terminal or descriptor == 2,
    )


def _flush(stream: IO[str]) -> None:
    try:
        stream.flush()
    except (OSError, ValueError):
        return


class _Unfailing(io.RawIOBase):
    """A descriptor to write to; once that fails, what is written goes nowhere.

    Attributes:
        failure: Of the first write that failed, else None.
    """

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self.failure: OSError | None = None
        self.name = f"<{'stdout' if descriptor == 1 else 'stderr'}>"

    def writable(self) -> bool:
        """Says that this is for writing."""
        return True

    def fileno(self) -> int:
        """Returns the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Returns whether a person is looking."""
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        """Writes what can be written; returns the length of all of it."""
        left = memoryview(data).cast("B")
        length = len(left)
        while left and self.failure is None:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # a pipe that others have made non-blocking
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.failure = error
        return length
