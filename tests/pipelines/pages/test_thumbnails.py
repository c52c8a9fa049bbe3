"""Pictures on the page: small, drawn anew, see-through where nothing is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_core.labels import VOC_PALETTE
from pipelines.pages import thumbnails
from tests.drawn.fake_night import (
    DOG,
    PERSON,
    FakeNight,
)
from tests.pipelines.pages.written_page import build, data_of, picture


def test_pictures_are_small_new_and_without_metadata(tmp_path: Path) -> None:
    night = FakeNight(tmp_path)
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    night.add_photo("big.jpg", class_id=DOG, size=(1200, 800), exif=exif.tobytes())
    page = build(night.write())
    (photo,), (mask,) = (
        page.find("img", class_="photo"),
        page.find("img", class_="mask"),
    )
    assert b"SECRET" in Path(night.rows[0]["image_uri"]).read_bytes()
    assert b"SECRET" not in data_of(photo["src"])
    assert b"Exif" not in data_of(photo["src"])
    thumbnail = picture(photo["src"])
    assert thumbnail.format == "JPEG"
    assert thumbnail.size == (240, thumbnails.THUMBNAIL_SIDE)
    assert len(data_of(photo["src"])) < 40_000
    overlay = picture(mask["src"])
    assert overlay.size == thumbnail.size
    rgba = np.asarray(overlay.convert("RGBA"))
    assert rgba[5, 5, 3] == 0, "the background lets the photo through"
    np.testing.assert_array_equal(rgba[180, 100], [*VOC_PALETTE[DOG], 255])
    assert photo["alt"] == "big.jpg"
    assert "dog" in mask["alt"]


def test_noise_stays_small() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (360, 360, 3), np.uint8)
    assert len(data_of(thumbnails.photo_uri(noise))) < 80_000


@pytest.mark.parametrize("void_only", [False, True])
def test_void_is_seen_through(void_only: bool) -> None:
    class_map = np.full((40, 60), 255, np.uint8)
    if not void_only:
        class_map[:, 30:] = PERSON
    uri = thumbnails.overlay_uri(class_map, (20, 30))
    alpha = np.asarray(picture(uri).convert("RGBA"))[:, :, 3]
    assert alpha[:, :15].max() == 0
    assert alpha[:, 15:].min() == (0 if void_only else 255)


def test_a_class_zero_that_is_a_thing_is_drawn() -> None:
    class_map = np.zeros((8, 8), np.uint8)
    class_map[:4] = 255
    uri = thumbnails.overlay_uri(class_map, (8, 8), see_through=())
    alpha = np.asarray(picture(uri).convert("RGBA"))[:, :, 3]
    assert alpha[:4].max() == 0
    assert alpha[4:].min() == 255
