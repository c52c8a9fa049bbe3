"""TensorFlow's threads: as many as the quota of a container keeps busy."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

CODE = """
import sys
from types import SimpleNamespace
import tensorflow as tf
from fcn_core import machine
from fcn_core.training import train
flag, usable, allowed = map(int, sys.argv[1:])
machine.usable_cores, machine.allowed_cores = lambda: usable, lambda: allowed
train._set_up(SimpleNamespace(threads=flag))
threading = tf.config.threading
print(threading.get_intra_op_parallelism_threads(),
      threading.get_inter_op_parallelism_threads())
"""


@pytest.mark.parametrize(
    ("flag", "usable", "allowed", "threads"),
    [(0, 2, 64, 2), (0, 64, 64, 0), (5, 2, 64, 5)],
)
def test_threads_follow_the_flag_then_the_quota(
    flag: int, usable: int, allowed: int, threads: int
) -> None:
    """0: TensorFlow counts the cores that it may run on, by itself."""
    words = map(str, (flag, usable, allowed))
    ended = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [str(threads)] * 2
