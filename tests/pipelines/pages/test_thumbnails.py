"""Pictures on the page: small, drawn anew, see-through where nothing is."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.labels import VOC_PALETTE
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneLimits, LaneSettings
from pipelines.pages import thumbnails
from pipelines.pages.lane import THUMBNAIL_SIDE
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
    assert thumbnail.size == (240, THUMBNAIL_SIDE)
    assert len(data_of(photo["src"])) < 40_000
    overlay = picture(mask["src"])
    assert overlay.size == thumbnail.size
    rgba = np.asarray(overlay.convert("RGBA"))
    assert rgba[5, 5, 3] == 0, "the background lets the photo through"
    np.testing.assert_array_equal(rgba[180, 100], [*VOC_PALETTE[DOG], 255])
    assert photo["alt"] == "big.jpg"
    assert "dog" in mask["alt"]


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_pictures_come_in_the_order_of_their_photos() -> None:
    """Noise stays small; what cannot be decoded says why, and the others stand."""
    noise = np.random.default_rng(0).integers(0, 256, (360, 360, 3), np.uint8)
    gone = Answer(bad=BadImage("vanished", "", stage="read"))
    asked: list[Request | Answer] = [
        thumbnails.ask(_png(noise)),
        thumbnails.ask(_png(noise)[:5000]),
        gone,
        thumbnails.ask(_png(np.full((720, 90, 3), (9, 200, 30), np.uint8))),
    ]
    first, cut, missing, last = thumbnails.draw(asked, number=4)
    assert first.uri and len(data_of(first.uri)) < 80_000
    assert (first.height, first.width) == (360, 360)
    assert (cut.uri, cut.missing) == (None, "corrupt")
    assert (missing.uri, missing.missing) == (None, "vanished")
    assert last.uri and picture(last.uri).size == (last.width, last.height) == (45, 360)
    pixels = np.asarray(picture(last.uri), int)
    assert np.abs(pixels - (9, 200, 30)).max() <= 3
    assert thumbnails.draw([], number=0) == []


def test_photos_are_not_decoded_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded in the launcher")

    monkeypatch.setattr(images, "decode", refuse)
    night = FakeNight(tmp_path)
    night.add_photo("a.jpg")
    assert len(build(night.write()).find("img", class_="photo")) == 1


def test_what_kills_a_decoder_costs_its_picture_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It crashes, asks for too much memory, or never ends."""
    hostile = LaneSettings(
        "tests.doubles.lane:PerilousPictures",
        config={"journal": str(tmp_path / "journal")},
        lanes=2,
        limits=LaneLimits(cpu_seconds=0.5, memory_bytes=256 << 20),
    )
    monkeypatch.setattr(thumbnails, "_LANES", hostile)
    words = ("good", "segfault", "swell", "spin", "good")
    drawn = thumbnails.draw(
        (thumbnails.ask(word.encode()) for word in words), number=len(words)
    )
    missing = [picture.missing for picture in drawn]
    assert missing == ["", "decoder crash", "out of memory", "timeout", ""]
    (alone,) = thumbnails.draw([thumbnails.ask(b"exit 3")], number=1)
    assert alone.missing == "decoder crash"  # no other photo shows that lanes work
    assert {(p.uri is None, p.height, p.width) for p in drawn if not p.missing} == {
        (False, 30, 40)
    }


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
