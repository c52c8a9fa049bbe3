"""What a command says on standard error: lines for people, or JSON lines for a log.

With `--log_format json` (or FCN_LOG_FORMAT) each line is one JSON object: `time`,
`severity` and `message` as Cloud Logging knows them, the command, and what it is about.
What this process and its libraries write there as text becomes such a line, too. The
result on standard output is `--json`'s business.
"""

import contextlib
import datetime
import io
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final, Literal, TypeAlias

Format: TypeAlias = Literal["text", "json"]
Severity: TypeAlias = Literal["INFO", "WARNING", "ERROR"]

_FLAG: Final = "--log_format"
_VARIABLE: Final = "FCN_LOG_FORMAT"
_context: Final[dict[str, Any]] = {}


class JsonLines(io.TextIOBase):
    """A text stream each line of which becomes a JSON object.

    Args:
        stream: Where the objects go.
    """

    def __init__(self, stream: IO[str]):
        self._stream, self._waiting = stream, ""

    def writable(self) -> bool:
        """Says that this is for writing."""
        return True

    def isatty(self) -> bool:
        """Says that no person is looking: no bar, no colours."""
        return False

    def fileno(self) -> int:
        """Returns the descriptor of the stream below."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Takes text; each whole line goes on as an object."""
        *lines, self._waiting = (self._waiting + text).split("\n")
        for line in filter(str.strip, lines):
            self.emit("INFO", line)
        return len(text)

    def emit(self, severity: str, message: str, **fields: Any) -> None:
        """Writes an object.

        Args:
            severity: As Cloud Logging names them.
            message: What a person would read.
            fields: What programs read.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        head = {"time": now.replace("+00:00", "Z"), "severity": severity}
        line = {**head, "message": message, **_context, **fields}
        self._stream.write(json.dumps(line, default=str) + "\n")
        self._stream.flush()

    def flush(self) -> None:
        """Brings what is written to the stream below."""
        self._stream.flush()

    def finish(self) -> None:
        """Writes what waits for the end of its line."""
        if self._waiting:
            self.write("\n")


class _Handler(logging.Handler):
    """Hands records of the standard library's logging on as objects."""

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(sys.stderr, JsonLines):
            message = record.getMessage()
            if record.exc_info and record.exc_info[1] is not None:
                message += f": {type(record.exc_info[1]).__name__}"
            sys.stderr.emit(record.levelname, message, logger=record.name)


@contextlib.contextmanager
def lines(command: str, arguments: Sequence[str]) -> Iterator[None]:
    """Settles standard error for a command, and puts it back when the command ends.

    Args:
        command: Its name.
        arguments: Its words: faults in reading them are lines, too.
    """
    before, handlers = sys.stderr, list(logging.getLogger().handlers)
    _context.clear()
    _context["command"] = command
    try:
        if _wanted(arguments) == "json":
            use("json")
        yield
    finally:
        if isinstance(sys.stderr, JsonLines) and sys.stderr is not before:
            sys.stderr.finish()
            sys.stderr = before
            logging.captureWarnings(False)
            logging.getLogger().handlers[:] = handlers
        _context.clear()


def use(wanted: Format) -> None:
    """Makes standard error JSON lines if that is wanted; again without harm."""
    if wanted == "json" and not isinstance(sys.stderr, JsonLines):
        sys.stderr = JsonLines(sys.stderr)
        logging.captureWarnings(True)
        logging.getLogger().handlers[:] = [_Handler()]


def add_context(**fields: Any) -> None:
    """Says what the lines from now on are about: an output, a night."""
    _context.update({name: value for name, value in fields.items() if value})


def say(message: str, severity: Severity = "INFO", **fields: Any) -> None:
    """Writes a line to standard error.

    Args:
        message: What a person reads.
        severity: How bad it is.
        fields: What only programs read, in JSON lines.
    """
    if isinstance(sys.stderr, JsonLines):
        sys.stderr.emit(severity, message, **fields)
    else:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


def _wanted(arguments: Sequence[str]) -> str:
    """Returns the format as far as it is known before the words are understood."""
    found = os.environ.get(_VARIABLE, "text")
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, _, value = word.partition("=")
        if name == _FLAG:
            found = value or following
    return found
