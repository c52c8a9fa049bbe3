"""Python code in a process of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def spawn(code: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Starts Python code with arguments; its standard error is a pipe."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
