"""Standard error as JSON lines: every line an object, whoever wrote it."""

import contextlib
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines import logs


@contextlib.contextmanager
def command(*words: str) -> Iterator[io.StringIO]:
    """Runs a block as a command; gives what it writes to standard error."""
    stream = io.StringIO()
    with contextlib.redirect_stderr(stream):
        with logs.lines("score", words):
            yield stream
        assert sys.stderr is stream, "it is put back"


def objects(stream: io.StringIO) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in found:
        assert line.pop("time").endswith("Z")
        assert line.pop("command") == "score"
    return found


def test_text_is_as_it_was() -> None:
    with command("--input", "x") as stderr:
        logs.add_context(output="out")
        logs.say("hello", "ERROR", exit_code=2)
    assert stderr.getvalue() == "hello\n"


@pytest.mark.parametrize(
    ("words", "variable", "is_json"),
    [
        (["--log_format", "json"], None, True),
        (["--log_format=json", "--input", "x"], None, True),
        (["--input", "x"], "json", True),
        (["--log_format", "text"], "json", False),
        (["--input", "x"], None, False),
    ],
)
def test_a_flag_or_the_environment_decides(
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    variable: str | None,
    is_json: bool,
) -> None:
    monkeypatch.delenv("FCN_LOG_FORMAT", raising=False)
    if variable:
        monkeypatch.setenv("FCN_LOG_FORMAT", variable)
    with command(*words) as stderr:
        logs.say("hello")
    assert stderr.getvalue().startswith("{") == is_json


def test_every_line_is_an_object() -> None:
    with command("--log_format", "json") as stderr:
        logs.add_context(run_date="2026-11-20", output="out", input=None)
        logs.say("begun", event="planned", planned=3)
        sys.stderr.write("from a\nlibrary")
        logging.getLogger("pipelines.nightly.watchers").warning("watcher %s", "late")
        warnings.warn("odd", stacklevel=1)
        logs.say("fcn: broke", "ERROR", exit_code=1)
    first, *others = objects(stderr)
    about = {"run_date": "2026-11-20", "output": "out"}
    event = {"event": "planned", "planned": 3}
    assert first == {"severity": "INFO", "message": "begun", **about, **event}
    texts = [(line["severity"], line["message"]) for line in others]
    assert texts[:2] == [("INFO", "from a"), ("WARNING", "watcher late")]
    assert texts[2][0] == "WARNING" and "odd" in texts[2][1]
    assert texts[3:] == [("ERROR", "fcn: broke"), ("INFO", "library")]
    assert others[1]["logger"] == "pipelines.nightly.watchers"


def test_nobody_is_looking_and_nothing_is_kept() -> None:
    with command("--log_format=json") as first:
        assert not sys.stderr.isatty()
        logs.use("json")  # a configuration file wants it, too: once is enough
        logs.say("\u202e Grüße")
        logs.add_context(run_date="2026-11-20")
    with command("--log_format=json") as second:
        logs.say("next")
    assert first.getvalue().isascii()
    assert objects(second) == [{"severity": "INFO", "message": "next"}]
