"""The page of a night: what it says, what it holds, and what it must never do."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_core.labels import VOC_PALETTE
from fcn_core.records import tfrecord
from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.pages import night as pages_night
from pipelines.pages import thumbnails
from pipelines.pages.page import duration, percent
from pipelines.score import masks
from pipelines.score.layout import NightFolder
from tests.drawn.fake_night import (
    CAT,
    DOG,
    HOSTILE_NAME,
    NIGHT,
    PERSON,
    RUN_DATE,
    FakeNight,
)

_VOID_ELEMENTS = {"meta", "img", "input"}


class Page(HTMLParser):
    """The page's elements in order, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.sources = {"style": "", "script": ""}
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.sources:
            self.sources[self.open[-1]] += data
        else:
            self.text += f" {data}"

    def find(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag and wanted.items() <= found.items()
        ]

    @property
    def seen(self) -> str:
        return re.sub(r"\s+", " ", self.text)


def build(out: str) -> Page:
    uri = pages_night.build(out, RUN_DATE)
    assert uri.endswith(f"/report/{NIGHT}/index.html")
    page = Page(Path(uri).read_text("utf-8"))
    assert page.open == [], "every element is closed"
    return page


def picture(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(_data(uri)))


def _data(uri: str) -> bytes:
    kind, _, encoded = uri.partition(",")
    assert kind in ("data:image/jpeg;base64", "data:image/png;base64")
    return base64.b64decode(encoded)


@pytest.fixture
def night(tmp_path: Path) -> FakeNight:
    night = FakeNight(tmp_path)
    night.add_photo("a.jpg", mean=4.0, class_id=CAT)
    night.add_photo("b.jpg", mean=7.0, class_id=DOG)
    night.add_photo("c.jpg", mean=5.5, class_id=PERSON, size=(900, 500))
    night.add_failure("broken.jpg", "corrupt", "the JPEG ends early")
    night.add_failure("song.jpg", "not-an-image")
    return night


def test_says_what_happened(night: FakeNight) -> None:
    page = build(night.write())
    assert "Friday, 20 November 2026" in page.seen
    assert "3 of 5 photos were scored. 2 could not be used." in page.seen
    for name, value in (
        ("Planned", "5"),
        ("Scored", "3"),
        ("Failed", "2"),
        ("Skipped", "3"),
        ("Images / s", "41.7"),
        ("Time", "1 min 23 s"),
    ):
        assert f"{name} {value} " in page.seen
    assert "corrupt decode the JPEG ends early" in page.seen
    assert "1 not-an-image" in page.seen
    assert "fcn score --input 'my photos' --output out" in page.seen
    assert "f32 on avx2" in page.seen
    assert "a" * 64 in page.seen
    assert "b" * 64 in page.seen


def test_cards_are_best_first_with_score_classes_and_ratings(night: FakeNight) -> None:
    page = build(night.write())
    cards = page.find("li", class_="card")
    assert [card["data-name"] for card in cards] == ["b.jpg", "c.jpg", "a.jpg"]
    assert [card["data-score"] for card in cards] == ["7.0", "5.5", "4.0"]
    assert [card["data-classes"] for card in cards] == ["0 12", "0 15", "0 8"]
    ratings = [
        label
        for svg in page.find("svg", role="img")
        if "Votes" in (label := svg["aria-label"])
    ]
    assert len(ratings) == 3
    assert all(len(label.split(", ")) == 10 for label in ratings)
    assert len(page.find("input", type="range")) == 1 + 3, "one for all, one a card"


def test_shares_are_those_of_the_masks(night: FakeNight) -> None:
    pixels: dict[int, int] = {}
    for row in night.rows[:3]:
        for class_id, count in zip(
            row["segmentation_classes"], row["segmentation_pixels"], strict=True
        ):
            pixels[class_id] = pixels.get(class_id, 0) + count
    total = sum(pixels.values())
    seen = build(night.write()).seen
    for class_id, name in ((0, "background"), (PERSON, "person"), (CAT, "cat")):
        share = percent(pixels[class_id] / total)
        photos = "3 photos" if class_id == 0 else "1 photo"
        assert f" {name} {share} {photos}" in seen


def test_holds_all_it_shows_and_may_load_nothing(night: FakeNight) -> None:
    page = build(night.write())
    (policy,) = (found for found in page.find("meta") if "http-equiv" in found)
    assert policy["http-equiv"] == "Content-Security-Policy"
    rules = dict(rule.split(" ", 1) for rule in policy["content"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for kind in ("style", "script"):
        digest = hashlib.sha256(page.sources[kind].encode()).digest()
        expected = f"'sha256-{base64.b64encode(digest).decode()}'"
        assert rules[f"{kind}-src"] == expected
    for _, attributes in page.elements:
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")
        assert "style" not in attributes, "the policy would drop it"
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"https?:|url\(|@import", page.html)
    assert not page.find("link")


def test_names_are_text(tmp_path: Path) -> None:
    night = FakeNight(tmp_path)
    night.add_photo(HOSTILE_NAME)
    night.add_failure("2" + HOSTILE_NAME, "corrupt", "</td><script>alert(2)</script>")
    page = build(night.write(command="fcn score --input '<b>'"))
    assert not page.find("img", src="x")
    assert not page.find("b")
    assert len(page.find("script")) == 1
    assert "\u202e" not in page.html
    assert '<img src=x onerror=alert(1)>"\\u202egpj.exe\\n.jpg' in page.seen
    assert "</td><script>alert(2)</script>" in page.seen


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
    assert b"SECRET" not in _data(photo["src"])
    assert b"Exif" not in _data(photo["src"])
    thumbnail = picture(photo["src"])
    assert thumbnail.format == "JPEG"
    assert thumbnail.size == (240, thumbnails.THUMBNAIL_SIDE)
    assert len(_data(photo["src"])) < 40_000
    overlay = picture(mask["src"])
    assert overlay.size == thumbnail.size
    rgba = np.asarray(overlay.convert("RGBA"))
    assert rgba[5, 5, 3] == 0, "the background lets the photo through"
    np.testing.assert_array_equal(rgba[180, 100], [*VOC_PALETTE[DOG], 255])
    assert photo["alt"] == "big.jpg"
    assert "dog" in mask["alt"]


def test_noise_stays_small() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (360, 360, 3), np.uint8)
    assert len(_data(thumbnails.photo_uri(noise))) < 80_000


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


def test_photos_that_are_gone_or_others_get_a_placeholder(night: FakeNight) -> None:
    out = night.write()
    first, second, third = (Path(row["image_uri"]) for row in night.rows[:3])
    first.unlink()
    second.write_bytes(third.read_bytes())
    page = build(out)
    assert len(page.find("li", class_="card")) == 3
    assert len(page.find("img", class_="photo")) == 1
    assert len(page.find("img", class_="mask")) == 1
    assert page.seen.count("No picture") == 2
    assert "vanished" in page.seen
    assert "changed while reading" in page.seen


def test_bytes_that_no_lane_decoded_are_never_decoded(tmp_path: Path) -> None:
    night = FakeNight(tmp_path)
    night.add_photo("a.jpg")["sha256"] = "0" * 64
    page = build(night.write())
    assert not page.find("img")
    assert "changed while reading" in page.seen


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b"no mask")]
)
def test_a_mask_that_is_gone_or_another_is_not_shown(
    night: FakeNight, damage: Callable[[Path], object]
) -> None:
    out = night.write()
    damage(night.out / night.rows[0]["mask_path"])
    page = build(out)
    assert len(page.find("img", class_="photo")) == 3
    assert len(page.find("img", class_="mask")) == 2


def test_segmentation_alone(tmp_path: Path) -> None:
    night = FakeNight(tmp_path, rated=False)
    night.add_photo("b.jpg")
    night.add_photo("a.jpg", class_id=DOG)
    page = build(night.write())
    assert not page.find("svg", class_="histogram")
    assert not page.find("option", value="best")
    assert page.find("input", id="opacity")
    assert len(page.find("img", class_="mask")) == 2
    assert "voc21 segmentation" in page.seen
    assert "quality" not in page.seen


def test_ratings_alone(tmp_path: Path) -> None:
    night = FakeNight(tmp_path, segmented=False)
    night.add_photo("a.jpg", mean=3.0)
    page = build(night.write())
    assert page.find("svg", class_="histogram")
    assert not page.find("input", id="opacity")
    assert not page.find("img", class_="mask")
    assert "What the photos show" not in page.seen
    assert page.find("img", class_="photo")


def test_nothing_succeeded(tmp_path: Path) -> None:
    night = FakeNight(tmp_path)
    night.add_failure("a.jpg", "empty")
    page = build(night.write())
    assert "None of the 1 photos could be scored." in page.seen
    assert not page.find("li", class_="card")
    assert not page.find("form")


def test_nothing_failed_and_nothing_planned(tmp_path: Path) -> None:
    night = FakeNight(tmp_path)
    night.add_photo("a.jpg")
    assert "All 1 photos were scored." in build(night.write()).seen
    assert not build(night.write()).find("table")
    night.rows.clear()
    assert "There was nothing new to score." in build(night.write()).seen


def test_two_hundred_of_many_and_the_same_page_again(tmp_path: Path) -> None:
    night = FakeNight(tmp_path)
    means = np.clip(np.random.default_rng(0).normal(5, 0.8, 230), 1, 10).round(3)
    for number, mean in enumerate(means):
        night.add_photo(f"{number}.jpg", mean=float(mean), size=(24, 32))
    page = build(night.write())
    assert len(page.find("li", class_="card")) == pages_night.SAMPLE_SIZE
    assert "200 of 230, drawn evenly over the scores" in page.seen
    shown = [float(card["data-score"]) for card in page.find("li", class_="card")]
    assert (max(shown), min(shown)) == (means.max(), means.min())
    night.rows.reverse()
    assert build(night.write(tables=3)).html == page.html


def test_masks_in_a_tar_are_shown(night: FakeNight) -> None:
    expected = build(night.write()).find("img", class_="mask")
    chunk = masks.open_chunk(
        NightFolder(files.to_uri(night.out), RUN_DATE), 0, layout="tar"
    )
    rows = [row for row in night.rows if row["status"] == "ok"]
    for row in rows:
        path = night.out / row["mask_path"]
        chunk.add(row["image_key"], path.read_bytes())
        path.unlink()
    paths = chunk.finish()
    for row in rows:
        row["mask_path"] = paths[row["image_key"]]
    assert build(night.write()).find("img", class_="mask") == expected
    (night.out / rows[0]["mask_path"].partition("#")[0]).write_bytes(b"no tar")
    assert not build(night.write()).find("img", class_="mask")


def test_photos_in_tfrecords_are_shown(night: FakeNight) -> None:
    expected = build(night.write()).find("img", class_="photo")
    container = night.root / "photos.tfrecord"
    rows = [row for row in night.rows if row["status"] == "ok"]
    with container.open("wb") as file:
        for row in rows:
            example = tfrecord.example_class()()
            feature = example.features.feature["image/encoded"]
            feature.bytes_list.value.append(Path(row["image_uri"]).read_bytes())
            tfrecord.write_frame(file, example.SerializeToString())
    for number, row in enumerate(rows):
        row["image_uri"] = f"{files.to_uri(container)}#{number}"
        row["version"] = files.version(files.to_uri(container))
    photos = build(night.write()).find("img", class_="photo")
    assert [photo["src"] for photo in photos] == [photo["src"] for photo in expected]
    rows[0]["image_uri"] = f"{files.to_uri(container)}#3"
    assert "vanished" in build(night.write()).seen


def test_a_replay_is_told_from_its_night(night: FakeNight) -> None:
    out = night.write()
    for folder in ("scores", "report"):
        path = night.out / folder
        (path / NIGHT).rename(path / f"{NIGHT}-replay-2")
    uri = pages_night.build(out, f"{RUN_DATE}-replay-2")
    assert "Friday, 20 November 2026, replay 2" in Path(uri).read_text("utf-8")


def test_no_summary_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"summary\.json.*let `fcn score` finish"):
        pages_night.build(files.to_uri(tmp_path), RUN_DATE)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"planned": "many"})])
def test_a_summary_of_another_kind_is_refused(night: FakeNight, content: str) -> None:
    out = night.write()
    (night.out / "report" / NIGHT / "summary.json").write_text(content)
    with pytest.raises(
        SystemicFault, match=r"summary\.json: got .* expected"
    ) as raised:
        pages_night.build(out, RUN_DATE)
    assert "\n" not in str(raised.value)


def test_model_notes_and_metrics_are_shown(night: FakeNight) -> None:
    models = night.summary()["models"]
    models[0] |= {
        "notes": "Weak on small things.",
        "licence": "Apache-2.0",
        "metrics": [
            {"name": "miou", "value": 0.714, "data": "VOC", "split": "val", "images": 9}
        ],
    }
    seen = build(night.write(models=models)).seen
    assert "Weak on small things." in seen
    assert "Apache-2.0" in seen
    assert "miou 0.714 on VOC val, 9 photos" in seen


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (0.0001, "<0.1%"),
        (0.0345, "3.5%"),
        (0.099, "9.9%"),
        (0.0996, "10%"),
        (0.5, "50%"),
        (0.996, "99.6%"),
        (0.99999, ">99.9%"),
        (1, "100%"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.96, "1 min 0 s"),
        (83.4, "1 min 23 s"),
        (27130, "7 h 32 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
