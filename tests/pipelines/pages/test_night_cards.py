"""Cards of photos that moved, changed, or lie in other files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fcn_core.records import tfrecord
from pipelines import files
from tests.drawn.fake_night import (
    FakeNight,
)
from tests.pipelines.pages.written_page import build


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
