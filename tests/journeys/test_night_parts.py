"""The benchmark of a photo's parts names every part and times what a night does."""

from pathlib import Path

from benchmarks import night_parts
from fcn_core.bundles.card import ModelCard
from tests.drawn import tiny_models


def test_every_part_has_its_time(segmentation_bundle: Path) -> None:
    photo = tiny_models.draw_photo(100, 70)
    label = ModelCard.read(segmentation_bundle).label
    names = [str(segmentation_bundle)]
    found = night_parts.measure([photo, b"no photo"], names, rounds=1)
    assert list(found) == [
        "sha256",
        "decode",
        f"{label}: fit",
        f"{label}: network f32",
        f"{label}: mask",
    ]
    assert all(0 < milliseconds < 60_000 for milliseconds in found.values())


def test_models_of_one_feed_share_it(segmentation_bundle: Path) -> None:
    forms = night_parts.open_forms([str(segmentation_bundle)] * 2)
    first, second = (form.engine for form in forms)
    assert first is not second
    times = night_parts.time_photo(tiny_models.draw_photo(40, 30), forms)
    assert sum(": fit" in part for part in times) == 1
