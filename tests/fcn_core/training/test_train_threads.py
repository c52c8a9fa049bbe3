"""TensorFlow's threads: as many as the quota of a container keeps busy."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

CODE = """
import sys
from types import SimpleNamespace
import tensorflow as tf
from fcn_core import machine
from fcn_core.training import train
threading = tf.config.threading
for case in sys.argv[1:]:
    flag, usable, allowed = map(int, case.split())
    machine.usable_cores = lambda: usable
    machine.allowed_cores = lambda: allowed
    train._set_up(SimpleNamespace(threads=flag))
    print(threading.get_intra_op_parallelism_threads(),
          threading.get_inter_op_parallelism_threads())
"""


def test_threads_follow_the_flag_then_the_quota() -> None:
    """0: TensorFlow counts the cores that it may run on, by itself."""
    threads = {"0 64 64": 0, "0 2 64": 2, "5 2 64": 5}
    given = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    ended = subprocess.run(
        [sys.executable, "-c", CODE, *threads],
        cwd=ROOT,
        env={name: word for name, word in os.environ.items() if name not in given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [f"{n} {n}" for n in threads.values()]
