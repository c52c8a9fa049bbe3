"""A night of three photos and two broken files, for every test of its page."""

from pathlib import Path

import pytest

from tests.drawn.fake_night import CAT, DOG, PERSON, FakeNight


@pytest.fixture
def night(tmp_path: Path) -> FakeNight:
    night = FakeNight(tmp_path)
    night.add_photo("a.jpg", mean=4.0, class_id=CAT)
    night.add_photo("b.jpg", mean=7.0, class_id=DOG)
    night.add_photo("c.jpg", mean=5.5, class_id=PERSON, size=(900, 500))
    night.add_failure("broken.jpg", "corrupt", "the JPEG ends early")
    night.add_failure("song.jpg", "not-an-image")
    return night
