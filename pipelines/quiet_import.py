"""Importing what TensorFlow is in, without the lines that its C++ side writes.

They come before any log level is read, on machines where all is well.
"""

import importlib
import os
import sys
import tempfile
from typing import Final

_STDERR: Final = 2


def import_quietly(name: str) -> None:
    """Imports a module; what it writes to stderr is shown only if that fails."""
    if name in sys.modules:
        return
    with tempfile.TemporaryFile() as said:
        # C++ knows the descriptor, not `sys.stderr`.
        descriptor = os.dup(_STDERR)
        os.dup2(said.fileno(), _STDERR)
        try:
            importlib.import_module(name)
        except BaseException:
            said.seek(0)
            os.write(descriptor, said.read())
            raise
        finally:
            os.dup2(descriptor, _STDERR)
            os.close(descriptor)
