"""The page of a night: what it says, what it holds, and what it must never do."""

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.pages import night as pages_night
from pipelines.pages.page import percent
from pipelines.score import masks
from pipelines.score.layout import NightFolder, PlanFolder
from tests.drawn.fake_night import (
    CAT,
    DOG,
    HOSTILE_NAME,
    NIGHT,
    PERSON,
    RUN_DATE,
    FakeNight,
)
from tests.pipelines.pages.written_page import build


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
    assert [card["data-aesthetics"] for card in cards] == ["7.0", "5.5", "4.0"]
    assert [card["data-classes"] for card in cards] == ["0 12", "0 15", "0 8"]
    ratings = [
        label
        for svg in page.find("svg", role="img")
        if "Aesthetics: " in (label := svg["aria-label"])
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
    shown = [float(card["data-aesthetics"]) for card in page.find("li", class_="card")]
    assert (max(shown), min(shown)) == (means.max(), means.min())
    night.rows.reverse()
    assert build(night.write(tables=3)).html == page.html


def test_masks_in_a_tar_are_shown(night: FakeNight) -> None:
    expected = build(night.write()).find("img", class_="mask")
    chunk = masks.open_chunk(
        PlanFolder(files.to_uri(night.out), RUN_DATE, 1), 0, layout="tar"
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


@pytest.mark.parametrize("sign", [".", "-"])
def test_a_replay_is_named_beside_its_night(night: FakeNight, sign: str) -> None:
    out, name = night.write(), f"{RUN_DATE}{sign}replay-2"
    report = night.out / "report"
    (report / NIGHT).rename(report / f"run_date={name}")
    if sign == "-":  # as earlier versions wrote them
        scores = night.out / "scores"
        (scores / NIGHT).rename(scores / f"run_date={name}")
    else:
        (table,) = (night.out / "scores" / NIGHT).glob("*.parquet")
        table.rename(table.with_name("scores-replay-2-00000-of-00001.parquet"))
    uri = pages_night.build(NightFolder(out, name))
    text = Path(uri).read_text("utf-8")
    assert "Friday, 20 November 2026, replay 2" in text
    assert "corrupt" in text


def test_no_summary_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"summary\.json.*let `fcn score` finish"):
        pages_night.build(NightFolder(files.to_uri(tmp_path), RUN_DATE))


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"planned": "many"})])
def test_a_summary_of_another_kind_is_refused(night: FakeNight, content: str) -> None:
    out = night.write()
    (night.out / "report" / NIGHT / "summary.json").write_text(content)
    with pytest.raises(
        SystemicFault, match=r"summary\.json: got .* expected"
    ) as raised:
        pages_night.build(NightFolder(out, RUN_DATE))
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
