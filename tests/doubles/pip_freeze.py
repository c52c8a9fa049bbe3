"""`pip freeze`, run once for all jobs of a test process.

Beam notes the launcher's packages with every job that it submits, and starts pip for
it, which takes half a second of a core. The packages do not change while tests run. All
other commands are run as they are asked for.
"""

import functools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

_COMMAND: Final = (sys.executable, "-m", "pip", "freeze")
_check_output: Final = subprocess.check_output


@functools.cache
def packages() -> bytes:
    """Returns what `pip freeze` prints."""
    return _check_output(_COMMAND)


def _answer(command: Any, *more: Any, **keywords: Any) -> Any:
    """Answers as `subprocess.check_output`."""
    if more or keywords or isinstance(command, str) or tuple(command) != _COMMAND:
        return _check_output(command, *more, **keywords)
    return packages()


@contextmanager
def remembered() -> Iterator[None]:
    """Has this process start pip once at most while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "check_output", _answer)
        yield
