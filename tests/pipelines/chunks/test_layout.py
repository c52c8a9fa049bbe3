"""Places of a layout: each below another one."""

from dataclasses import dataclass

import pytest

from pipelines.chunks.layout import Place


@dataclass(frozen=True)
class Layout:
    out: str
    night: str

    run = Place("out", "_runs", "night={0.night}")
    parts = Place("run", "parts")


@pytest.mark.parametrize("out", ["/out", "/out/", "/", "file:///odd%FF"])
@pytest.mark.parametrize("night", ["2026-11-20", "{0.out}", "{}"])
def test_a_place_is_below_another_one(out: str, night: str) -> None:
    layout = Layout(out, night)
    assert layout.run == f"{out.rstrip('/')}/_runs/night={night}"
    assert layout.parts == f"{layout.run}/parts"
    assert layout == Layout(out, night)
