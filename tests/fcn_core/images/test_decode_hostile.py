import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fcn_core import images
from tests.drawn import hostile_files
from tests.drawn.hostile_files import HostileFile

EVERY_KIND = hostile_files.generate(seed=0)
ROOT = Path(__file__).parents[3]


def identify(file: HostileFile) -> str:
    return f"{file.reason}-{file.why}"


@pytest.mark.parametrize("file", EVERY_KIND, ids=identify)
def test_every_kind_is_refused_with_its_reason(file: HostileFile) -> None:
    start = time.process_time()
    with pytest.raises(images.BadImage) as caught:
        images.decode(file.data)
    assert caught.value.reason == file.reason, caught.value.detail
    assert caught.value.stage == "decode"
    assert time.process_time() - start < 2
    assert caught.value.detail
    assert not re.search(r"0x[0-9a-f]{6}|/home|/tmp|Traceback", caught.value.detail)


@pytest.mark.parametrize("seed", range(1, 6))
def test_more_damage_is_refused_too(seed: int) -> None:
    wrong = []
    for file in hostile_files.generate(seed=seed, count=400):
        try:
            images.decode(file.data)
            reason = "decoded"
        except images.BadImage as error:
            reason = error.reason
        if file.name.endswith(".jpg"):
            # Where a wrong scan begins to show is chance: in its middle, or at its end.
            reason = reason.replace("corrupt-strict", "corrupt")
        if reason != file.reason.replace("corrupt-strict", "corrupt"):
            wrong.append((file.why, file.reason, reason))
    assert wrong == []


def test_the_generator_keeps_its_promises() -> None:
    assert len(EVERY_KIND) >= 100
    assert len({file.name for file in EVERY_KIND}) == len(EVERY_KIND)
    assert len({file.data for file in EVERY_KIND}) >= len(EVERY_KIND) - 1  # two empty
    assert {file.reason for file in EVERY_KIND} == {
        "bad-header",
        "corrupt",
        "corrupt-strict",
        "empty",
        "extreme-aspect",
        "not-an-image",
        "too-many-pixels",
        "too-many-scans",
        "unsupported-format",
        "unsupported-variant",
        "zero-size",
    }
    assert hostile_files.generate(seed=3, count=30) == hostile_files.generate(
        seed=3, count=30
    )
    assert len(hostile_files.generate(seed=3, count=500)) == 500
    assert max(len(file.data) for file in EVERY_KIND) < 200_000


def test_refusing_needs_little_memory() -> None:
    # A bomb that slips through would need gigabytes; the interpreter needs 300 MB.
    # VmHWM is this program's own peak: ru_maxrss begins at the peak of the process
    # that started it, here a whole test run's.
    program = """
import resource
from pathlib import Path
from fcn_core import images
from tests.drawn import hostile_files
files = hostile_files.generate(seed=0)
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
for file in files:
    try:
        images.decode(file.data)
    except images.BadImage as error:
        assert error.reason == file.reason, (file.why, error)
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 300_000  # kilobytes
