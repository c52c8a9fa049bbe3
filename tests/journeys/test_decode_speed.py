"""The benchmark of decoding compares the same photos with and without the look."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import decode_speed
from fcn_core import images
from tests.drawn import tiny_data


def test_both_ways_give_the_same_pixels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for number in range(2):
        pixels = rng.integers(80, 160, (96, 128, 3), dtype=np.uint8)
        (tmp_path / f"{number}.jpg").write_bytes(tiny_data.jpeg(pixels))
    (tmp_path / "notes.txt").write_text("no photo")
    decode_speed.main(["--photos", str(tmp_path), "--rounds", "1"])
    found = json.loads(capsys.readouterr().out)
    assert (found.pop("photos"), sorted(found)) == (2, ["convert", "score"])
    for job in found.values():
        ours, bare = job["milliseconds"], job["without_the_look"]
        assert job["ratio"] == pytest.approx(bare / ours, abs=0.01)
    looked_at, bare_way = decode_speed.jobs(64)["score"]
    data = (tmp_path / "0.jpg").read_bytes()
    one, other = looked_at(data), bare_way(data)
    assert isinstance(one, images.DecodedImage)
    assert isinstance(other, images.DecodedImage)
    np.testing.assert_array_equal(one.pixels, other.pixels)
