"""No file takes more than 10 s of CPU, or so much memory that a lane exceeds 1 GB."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.drawn.costly_files import COSTLY

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SECONDS = 10
MEGABYTES = 750
"""Of a process that decodes; a lane with its models takes 155 more than that."""

PROGRAM = """
import sys, time
from pathlib import Path
from fcn_core import images
data = Path(sys.argv[1]).read_bytes()
for side in (640, None):
    start = time.process_time()
    try:
        images.decode(data, max_side=side, is_foreign=True)
    except images.BadImage as bad:
        assert bad.reason != "out-of-memory", bad
    print(time.process_time() - start)
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.parametrize("what", COSTLY)
def test_decoding_takes_little_time_and_memory(tmp_path: Path, what: str) -> None:
    file = tmp_path / "photo"
    file.write_bytes(COSTLY[what]())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    *seconds, kilobytes = map(float, done.stdout.split())
    assert max(seconds) < SECONDS
    assert kilobytes / 1024 < MEGABYTES
