"""The page of two nights compared: what it shows, and that it opens alone."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from fcn_core import images
from pipelines import files
from pipelines.diff.compare import compare
from pipelines.pages import difference
from tests.drawn import tiny_models
from tests.drawn.fake_night import HOSTILE_NAME
from tests.drawn.two_nights import AFTER, BEFORE, Row, failed, row, write
from tests.pipelines.pages.written_page import Page, picture


def photo(out: Path, name: str, night: str, class_id: int, **changes: object) -> Row:
    """Draws a photo and its mask; returns its row."""
    path = out / "photos" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiny_models.draw_photo(40, 60, seed=3))
    uri, mask = (
        files.to_uri(path),
        images.encode_mask(np.full((40, 60), class_id, np.uint8)),
    )
    where = f"masks/run_date={night}/00000001/chunk-00000000/photo.png"
    (out / where).parent.mkdir(parents=True, exist_ok=True)
    (out / where).write_bytes(mask)
    known = {
        "image_uri": uri,
        "version": files.version(uri),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "dominant_class": class_id,
        "mask_path": where,
        "mask_sha256": hashlib.sha256(mask).hexdigest(),
    }
    return row(0, **(known | changes))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("out")
    before = [
        photo(out, HOSTILE_NAME, BEFORE, 1),
        row(1),
        row(2),
    ]
    after = [
        photo(out, HOSTILE_NAME, AFTER, 2, aesthetics_mean=6.25),
        failed(1, "timeout"),
        row(3),
    ]
    found = compare(write(out, BEFORE, before), write(out, AFTER, after), photos=4)
    uri = files.join(files.to_uri(out), "diff.html")
    difference.build(found, out=files.to_uri(out), uri=uri, command="fcn diff out")
    return Page(Path(uri).read_text("utf-8"))


def test_it_is_whole_and_loads_nothing(page: Page) -> None:
    assert page.open == []
    assert [e for e in page.elements if e[0] in ("script", "link", "iframe")] == []
    sources = [image["src"] for image in page.find("img")]
    assert sources and all(source.startswith("data:image/") for source in sources)


def test_its_numbers(page: Page) -> None:
    assert (
        "2 photos are in both nights. 1 are only in the first, 1 only in" in page.seen
    )
    assert "Mean 5.000 5.625 1.250" in page.seen
    assert "cat dog 1" in page.seen
    assert "timeout 0 1 1 0" in page.seen
    assert "Class cat → dog" in page.seen
    assert "Aesthetics 5.000 → 6.250" in page.seen
    assert "Failed \u2013 → timeout" in page.seen


def test_a_photo_has_both_masks(page: Page) -> None:
    shown = [image["src"] for image in page.find("img", class_="mask")]
    colours = [picture(uri).convert("RGB").getpixel((5, 5)) for uri in shown[:2]]
    assert colours == [(128, 0, 0), (0, 128, 0)]  # VOC's classes 1 and 2


def test_names_of_strangers_are_text(page: Page) -> None:
    assert HOSTILE_NAME not in page.html
    assert "\u202e" not in page.html
    assert "onerror=alert(1)&gt;" in page.html


def test_photos_that_are_gone_say_so(page: Page) -> None:
    assert "No picture: vanished" in page.seen
