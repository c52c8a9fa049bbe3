"""Imports by name: when a command needs them, and without TensorFlow's start-up log.

Its C++ side writes lines before any log level is read, on machines where all is well.
"""

import importlib
import os
import sys
import tempfile
from typing import Any, Final

_STDERR: Final = 2


def load(where: str) -> Any:
    """Returns what `module:name` names."""
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def import_quietly(name: str) -> None:
    """Imports a module; what it writes to stderr is shown only if that fails."""
    if name in sys.modules:
        return
    with tempfile.TemporaryFile() as output:
        # C++ knows the descriptor, not `sys.stderr`.
        descriptor = os.dup(_STDERR)
        os.dup2(output.fileno(), _STDERR)
        try:
            importlib.import_module(name)
        except BaseException:
            output.seek(0)
            os.write(descriptor, output.read())
            raise
        finally:
            os.dup2(descriptor, _STDERR)
            os.close(descriptor)
