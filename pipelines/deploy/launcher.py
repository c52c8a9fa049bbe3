"""The start of a Flex Template: its parameters become a command line of `fcn score`.

The service's launcher runs this file with `--name=value` for each parameter, and with
Beam's flags for what it knows itself. It loads no model: a launch takes seconds.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NoReturn, get_origin

from pipelines.runners.dataflow_template import launch_flags
from pipelines.score.config import ScoreConfig

COMMAND: Final = "score"


def words(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Returns the words behind `fcn`.

    Args:
        arguments: `--name=value` each; an empty value is an optional parameter that
            was left empty in a form, and does not count.
        environment: Of the process.
    """
    filled = [
        word for word in arguments if "=" not in word or word.partition("=")[2] != ""
    ]
    return [
        COMMAND,
        *(word for given in filled for word in _split(given)),
        *launch_flags(filled, environment),
    ]


def _split(word: str) -> Iterator[str]:
    """Yields a flag and its values: a template's list is one text with commas."""
    flag, _, value = word.partition("=")
    field = ScoreConfig.model_fields.get(flag.removeprefix("--"))
    if field is None or get_origin(field.annotation) is not list:
        yield word
        return
    yield flag
    yield from (part.strip() for part in value.split(",") if part.strip())


def run() -> NoReturn:
    """Becomes the command: its exit code is the launcher's."""
    command = [sys.executable, "-m", "pipelines.cli", *words(sys.argv[1:], os.environ)]
    sys.stdout.flush()
    os.execv(sys.executable, command)


if __name__ == "__main__":
    run()
