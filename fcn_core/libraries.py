"""Libraries that act on their own once they are imported, held back from it.

`import openvino` reports its use to a server, writes to the home directory, fails where
there is none, and leaves a process behind. `import keras`, hence `import tensorflow`,
writes `~/.keras`, and what somebody keeps there would change what is computed.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final, cast

KERAS_HOME: Final = "KERAS_HOME"
NOWHERE: Final = f"{os.devnull}/keras"
"""A folder that nobody can make: Keras then neither reads settings nor writes them."""

_TELEMETRY: Final = "openvino_telemetry"


def import_openvino() -> ModuleType:
    """Imports OpenVINO without the package that reports its use.

    Raises:
        ImportError: It is not installed.
    """
    if "openvino" not in sys.modules:
        # None: importing it fails, and OpenVINO does without it, as where it is not
        # installed. One that somebody else has loaded stays.
        sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type]
    import openvino

    return openvino


def import_nncf() -> ModuleType:
    """Imports NNCF without the package that reports its use, and without its log.

    Raises:
        ImportError: It is not installed.
    """
    import_openvino()
    # It logs to standard output, where a command's answer is.
    with contextlib.redirect_stdout(sys.stderr):
        import nncf
    logging.getLogger("nncf").setLevel(logging.ERROR)
    return cast(ModuleType, nncf)


def keep_keras_from_home() -> None:
    """Has Keras read and write no `~/.keras`; call before Keras or TensorFlow.

    A folder that the user named stays, and so does a Keras that is already there.
    """
    os.environ.setdefault(KERAS_HOME, NOWHERE)


@contextmanager
def keras_downloads() -> Iterator[None]:
    """Lets Keras keep what it is asked to download where it always does.

    That is `~/.keras`, and a folder for temporary files where there is no home.
    """
    from keras.src.backend import config

    if config.keras_home() != NOWHERE:
        yield
        return
    # Private, and the only way: Keras reads the variable once, when it is imported.
    config._KERAS_DIR = str(Path(os.path.expanduser("~")) / ".keras")  # noqa: PTH111
    try:
        yield
    finally:
        config._KERAS_DIR = NOWHERE
