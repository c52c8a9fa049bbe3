"""Freed memory stays: the kernel hands out far fewer fresh pages."""

import platform
import subprocess
import sys

import pytest

_CHURN = """
import ctypes, resource, sys, threading
import numpy as np
from fcn_core import memory
if sys.argv[1] == "keep":
    assert memory.keep_freed_memory()
ctypes.CDLL(None).mallopt(-3, 128 << 10)  # the mmap threshold, as TensorFlow does
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # pages of 4 kB whatever the kernel prefers

def churn():
    for _ in range(8):
        np.ones((64, 1000, 250), np.float32)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

before = faults()  # importing faults too
threads = [threading.Thread(target=churn) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(faults() - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc has these settings"
)
def test_reuses_pages() -> None:
    faults = {
        how: int(
            subprocess.run(
                [sys.executable, "-c", _CHURN, how],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for how in ("keep", "default")
    }
    assert faults["keep"] < faults["default"] / 2
