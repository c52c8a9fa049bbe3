"""The built-in `aesthetics`: fed as its authors feed it, whatever a photo's size."""

import io
import os
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from fcn_core import images, scoring, views
from fcn_core.bundles.card import ModelCard
from fcn_core.datasets.pascal import drawn
from fcn_core.metrics.correlation import spearman
from fcn_core.scoring.feed import feed_of, prepare
from tests.drawn import tiny_models


@pytest.fixture(scope="module")
def scorer() -> scoring.Scorer:
    return scoring.load_scorer("aesthetics", "openvino", "f32")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    folder = tmp_path_factory.mktemp("drawn")
    drawn.write_voc(folder, train=6, val=2, sizes=[(480, 640), (640, 480), (500, 400)])
    return [Image.open(path) for path in sorted(folder.rglob("*.jpg"))]


def encode(photo: Image.Image, side: int | None = None) -> bytes:
    if side is not None:
        scale = side / max(photo.size)
        size = (round(photo.width * scale), round(photo.height * scale))
        photo = photo.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_its_card_says_who_rated_what(scorer: scoring.Scorer) -> None:
    card: ModelCard = scorer.card
    assert (card.task, card.licence) == ("aesthetics", "Apache-2.0")
    assert card.rating_bins == list(range(1, 11))
    assert "AVA" in card.notes and "idealo" in card.origin


def test_a_photo_is_sampled_and_never_padded(scorer: scoring.Scorer) -> None:
    feed = feed_of(scorer.card)
    assert feed_of(scorer.card, 128) == feed  # its size is not a matter of taste
    for size in ((100, 150), (640, 480), (1200, 900), (33, 700)):
        pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
        image = images.DecodedImage(pixels, *size, "PNG", 1)
        fed = prepare(image, feed)
        assert fed.placement.fitted == fed.placement.padded
        assert all(side % 32 == 0 for side in fed.placement.padded)
    small = np.random.default_rng(2).integers(0, 256, (100, 150, 3), np.uint8)
    fed = prepare(images.DecodedImage(small, 100, 150, "PNG", 1), feed)
    assert set(map(tuple, fed.batch.reshape(-1, 3))) <= set(
        map(tuple, small.reshape(-1, 3))
    ), "no pixel is a mixture"


def test_a_photo_stored_larger_rates_the_same(
    scorer: scoring.Scorer, photos: list[Image.Image]
) -> None:
    scorers = scoring.PhotoScorer([scorer])
    rated = np.array(
        [
            [scorers.score_photo(encode(p, side)).aesthetics_mean for p in photos]
            for side in (640, 1600, 4000)
        ],
        np.float64,
    )
    assert np.abs(rated[1:] - rated[0]).mean() < 0.15


def test_three_squares_are_the_mean_of_the_views(
    scorer: scoring.Scorer, photos: list[Image.Image]
) -> None:
    data = encode(photos[0])
    found = scoring.PhotoScorer([scorer], views="3").score_photo(data)
    pixels = images.decode(data).pixels  # of 640 pixels: not reduced
    squares = [
        replace(view, sampled=True)
        for view in views.views(pixels.shape[:2], "multi_crop", side=224)
    ]
    assert len(squares) == 3
    expected = scoring.rate_views(scorer, pixels, squares)
    assert found.aesthetics_mean == pytest.approx(float(expected["mean"][0]), abs=1e-5)
    whole = scoring.PhotoScorer([scorer]).score_photo(data).aesthetics_mean
    assert found.aesthetics_mean != whole
    long = Image.fromarray(np.asarray(photos[0])[:150])  # more than four squares long
    many = prepare(images.decode(encode(long)), feed_of(scorer.card, shown="3"))
    assert many.batch.shape == (5, 224, 224, 3)
    assert many.sizes.shape == (5, 2)


def test_views_are_of_models_of_one_area_alone() -> None:
    card = tiny_models.draw_card()
    assert feed_of(card, shown="3") == feed_of(card)


def test_one_pass_ranks_as_the_published_square(
    scorer: scoring.Scorer, photos: list[Image.Image]
) -> None:
    """On drawn photos; on 176 photos of VOC it is 0.943, and 0.016 higher."""
    scorers = scoring.PhotoScorer([scorer])
    ours, published = [], []
    for photo in photos:
        pixels = images.decode(encode(photo)).pixels
        square = views.views(pixels.shape[:2], "nearest", side=224)
        rated = scoring.rate_views(scorer, pixels, square)
        published.append(float(rated["mean"][0]))
        ours.append(scorers.score_photo(encode(photo)).aesthetics_mean or 0.0)
    assert abs(np.mean(ours) - np.mean(published)) < 0.25
    assert spearman(ours, published) > 0.5


def test_the_published_input_gives_what_its_authors_program_gives(
    scorer: scoring.Scorer, photos: list[Image.Image], tmp_path: Path
) -> None:
    path = Path(os.environ.get("FCN_WEIGHTS") or "", "nima_mobilenet_ava.hdf5")
    if not path.is_file():
        pytest.skip("FCN_WEIGHTS is not a folder with nima_mobilenet_ava.hdf5")
    base = keras.applications.MobileNet(
        weights=None, include_top=False, input_shape=(224, 224, 3), pooling="avg"
    )
    head = keras.layers.Dropout(0.75)(base.output)
    head = keras.layers.Dense(10, activation="softmax")(head)
    network = keras.Model(base.input, head)
    network.load_weights(path)
    for number, photo in enumerate(photos[:3]):
        file = tmp_path / f"{number}.jpg"
        file.write_bytes(encode(photo))
        warped = keras.utils.load_img(file, target_size=(224, 224))
        array = keras.utils.img_to_array(warped)[None] / 127.5 - 1
        expected = np.asarray(network(array))
        pixels = images.decode(file.read_bytes()).pixels
        shown = views.views(pixels.shape[:2], "nearest", side=224)
        got = scoring.rate_views(scorer, pixels, shown)["ratings"]
        assert got == pytest.approx(expected, abs=1e-4)
        square = scoring.PhotoScorer([scorer], views="square")
        row = square.score_photo(file.read_bytes()).aesthetics_ratings
        assert row == pytest.approx(tuple(expected[0]), abs=1e-4)
