"""A photo's score equals its steps one by one, whatever else is scored beside it."""

import dataclasses
import hashlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core import geometry, images, scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.scoring import arithmetic, class_maps, engines
from tests.drawn import tiny_models
from tests.drawn.tiny_models import draw_card, draw_photo

F32 = arithmetic.Arithmetic("openvino", "f32", "avx2")


class FakeScorer:
    """Returns given logits or ratings and keeps what it was given."""

    def __init__(self, card: ModelCard, outputs: dict[str, Any]) -> None:
        self.card = card
        self.arithmetic = F32
        self.outputs = outputs
        self.batches: list[NDArray[np.uint8]] = []

    def score(
        self, batch: NDArray[np.uint8], sizes: NDArray[np.int32]
    ) -> dict[str, NDArray[Any]]:
        self.batches.append(batch)
        return self.outputs


def fake_logits(*names: int, side: int = 16) -> dict[str, NDArray[np.float32]]:
    """Logits `[1, side, side, 5]` whose rows are won by the given classes in turn."""
    logits = np.zeros((1, side, side, 5), np.float32)
    for row in range(side):
        logits[:, row, :, names[row % len(names)]] = 1
    return {"logits": logits}


def test_score_photo_equals_its_steps_one_by_one(
    segmentation_bundle: Path, rating_bundle: Path
) -> None:
    data = draw_photo(150, 101)
    found = scoring.PhotoScorer(
        [
            scoring.load_scorer(str(segmentation_bundle), "openvino", "f32"),
            scoring.load_scorer(str(rating_bundle), "openvino", "f32"),
        ]
    ).score_photo(data)

    card = ModelCard.read(segmentation_bundle)
    pixels = images.decode(data).pixels
    placement = geometry.place((150, 101), max_side=None, multiple=128)
    assert placement.padded == (256, 128)
    batch = images.pad(pixels, placement.padded, card.padding_value)[None]
    engine = engines.OpenVINOEngine(segmentation_bundle, precision="f32")
    class_map = class_maps.class_map(
        engine.logits(batch)[0], placement, stride=8, alignment="corner"
    )
    counts = np.bincount(class_map.ravel(), minlength=5)
    assert found.class_pixels == tuple(counts)
    assert found.dominant_class == 1 + counts[1:].argmax()
    assert found.mask_png is not None
    np.testing.assert_array_equal(images.decode_mask(found.mask_png), class_map)
    assert found.mask_sha256 == hashlib.sha256(found.mask_png).hexdigest()

    logits = engines.OpenVINOEngine(rating_bundle, precision="f32").logits(batch)
    pooled = logits[0, : -(-150 // 8), : -(-101 // 8)].mean((0, 1))
    shares = np.exp(pooled) / np.exp(pooled).sum()
    assert found.aesthetics_ratings is not None
    np.testing.assert_allclose(found.aesthetics_ratings, shares, rtol=1e-5)
    bins = np.array(tiny_models.BINS)
    assert found.aesthetics_mean == pytest.approx((shares * bins).sum(), rel=1e-5)
    variance = (shares * (bins - found.aesthetics_mean) ** 2).sum()
    assert found.aesthetics_std == pytest.approx(variance**0.5, rel=1e-5)

    assert (found.height, found.width) == (150, 101)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_small_photo_is_scored_enlarged_where_its_card_says_so() -> None:
    card = draw_card(max_side=128, enlarge=1.5)
    scorer = FakeScorer(card, fake_logits(0, 3))
    found = scoring.PhotoScorer([scorer]).score_photo(draw_photo(60, 80))

    pixels = images.decode(draw_photo(60, 80)).pixels
    larger = images.resize(pixels, geometry.Size(90, 120))
    np.testing.assert_array_equal(scorer.batches[0][0, :90, :120], larger)
    placement = geometry.place((60, 80), max_side=128, multiple=128, enlarge=1.5)
    expected = class_maps.class_map(
        scorer.outputs["logits"][0],
        placement,
        stride=card.logits_stride,
        alignment=card.alignment,
    )
    assert found.mask_png is not None
    np.testing.assert_array_equal(images.decode_mask(found.mask_png), expected)

    scoring.PhotoScorer([scorer], max_side=100).score_photo(draw_photo(60, 80))
    grey = scorer.batches[1][0] == np.array(card.padding_value)
    assert not grey[:75, :100].all(2).any()
    assert grey[75:].all()
    assert grey[:, 100:].all()


def test_each_model_alone_gives_what_both_give_together(
    segmentation_bundle: Path, rating_bundle: Path
) -> None:
    data = draw_photo(90, 140, seed=3)
    first = scoring.load_scorer(str(segmentation_bundle), "openvino", "f32")
    second = scoring.load_scorer(str(rating_bundle), "openvino", "f32")
    both = scoring.PhotoScorer([first, second]).score_photo(data)
    classes = scoring.PhotoScorer([first]).score_photo(data)
    ratings = scoring.PhotoScorer([second], masks=False).score_photo(data)
    assert classes.aesthetics_ratings is None
    assert ratings.class_pixels is None
    assert ratings.mask_png is None
    merged = dataclasses.replace(
        classes,
        aesthetics_ratings=ratings.aesthetics_ratings,
        aesthetics_mean=ratings.aesthetics_mean,
        aesthetics_std=ratings.aesthetics_std,
    )
    assert merged == both


def test_models_that_want_the_same_pixels_share_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded = []
    real = images.decode

    def counting(data: bytes, **settings: Any) -> images.DecodedImage:
        decoded.append(settings["max_side"])
        return real(data, **settings)

    monkeypatch.setattr(images, "decode", counting)
    ratings = {
        "ratings": np.full((1, 5), 0.2, np.float32),
        "mean": np.array([3.0], np.float32),
        "std": np.array([1.0], np.float32),
    }
    first = FakeScorer(draw_card(), fake_logits(1))
    second = FakeScorer(draw_card("aesthetics"), ratings)
    scoring.PhotoScorer([first, second]).score_photo(draw_photo())
    assert decoded == [None]
    assert first.batches[0] is second.batches[0]
    other = FakeScorer(draw_card("aesthetics", max_side=64), ratings)
    scoring.PhotoScorer([first, other]).score_photo(draw_photo())
    assert decoded[1:] == [None]  # too small a photo to be decoded at half its size
    assert first.batches[1] is not other.batches[0]
    scoring.PhotoScorer([first, other], max_side=50).score_photo(draw_photo())
    assert decoded[2:] == [50]


def test_padding_has_the_cards_value() -> None:
    scorer = FakeScorer(draw_card(padding_value=(1, 2, 3)), fake_logits(1))
    scoring.PhotoScorer([scorer]).score_photo(draw_photo(75, 101))
    (batch,) = scorer.batches
    assert batch.shape == (1, 128, 128, 3)
    assert (batch[0, 75:] == (1, 2, 3)).all()
    assert (batch[0, :, 101:] == (1, 2, 3)).all()


@pytest.mark.parametrize(
    ("rows", "classes", "expected"),
    [
        ((0, 0, 2, 3, 3), tiny_models.CLASSES, 3),
        ((0, 0, 0, 2), tiny_models.CLASSES, 2),
        ((0,), tiny_models.CLASSES, 0),
        ((0, 0, 0, 2), ["sky", "cat", "dog", "person", "sheep"], 0),
    ],
)
def test_dominant_class(
    rows: tuple[int, ...], classes: list[str], expected: int
) -> None:
    scorer = FakeScorer(draw_card(classes=classes), fake_logits(*rows))
    found = scoring.PhotoScorer([scorer]).score_photo(draw_photo(120, 120))
    assert found.dominant_class == expected
    assert found.class_pixels is not None
    assert sum(found.class_pixels) == 120 * 120


def test_shrunk_photo_is_counted_at_its_original_size(
    segmentation_bundle: Path,
) -> None:
    scorer = scoring.load_scorer(str(segmentation_bundle), "openvino", "f32")
    photo = draw_photo(150, 202)
    found = scoring.PhotoScorer([scorer], max_side=101).score_photo(photo)
    assert found.class_pixels is not None
    assert found.mask_png is not None
    assert sum(found.class_pixels) == 150 * 202
    assert images.decode_mask(found.mask_png).shape == (150, 202)


def test_overflow_fails_the_photo_with_a_reason() -> None:
    outputs = fake_logits(1)
    outputs["logits"][0, 0, 0, 0] = np.inf
    scorer = scoring.PhotoScorer([FakeScorer(draw_card(), outputs)])
    with pytest.raises(images.BadImage) as caught:
        scorer.score_photo(draw_photo())
    assert (caught.value.reason, caught.value.stage) == ("inference-error", "score")


def test_bad_photo_keeps_the_decoders_reason() -> None:
    scorer = scoring.PhotoScorer([FakeScorer(draw_card(), fake_logits(1))])
    with pytest.raises(images.BadImage) as caught:
        scorer.score_photo(b"not a photo")
    assert caught.value.reason in images.REASONS


def test_refuses_two_models_of_one_task() -> None:
    scorer = FakeScorer(draw_card(), fake_logits(1))
    for given in ([], [scorer, scorer]):
        with pytest.raises(ModelError, match="one model for each task"):
            scoring.PhotoScorer(given)


def test_scoring_on_openvino_loads_no_tensorflow(
    segmentation_bundle: Path, rating_bundle: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(draw_photo())
    program = (
        "import pathlib, sys\n"
        "from fcn_core import scoring\n"
        "models = [scoring.load_scorer(m, 'openvino', 'f32') for m in sys.argv[2:]]\n"
        "score = scoring.PhotoScorer(models).score_photo(\n"
        "    pathlib.Path(sys.argv[1]).read_bytes())\n"
        "assert score.mask_png and score.aesthetics_mean\n"
        "heavy = {'tensorflow', 'keras', 'torch', 'jax', 'apache_beam', 'pipelines'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))\n"
    )
    command = [sys.executable, "-c", program, str(photo)]
    command += [str(segmentation_bundle), str(rating_bundle)]
    root = Path(scoring.__file__).parents[2]
    answer = subprocess.run(
        command, capture_output=True, text=True, cwd=root, check=False
    )
    assert answer.stderr == ""
    assert answer.stdout.strip() == "[]"


def test_row_fingerprint_covers_what_decides_a_row() -> None:
    cards = [draw_card(network="1" * 64), draw_card("aesthetics", network="2" * 64)]
    cards = [
        c.model_copy(update={"fingerprint": c.computed_fingerprint()}) for c in cards
    ]
    base = scoring.row_fingerprint(cards, F32, max_side=None)
    assert base == scoring.row_fingerprint(cards[::-1], F32, max_side=None)
    others = [
        scoring.row_fingerprint(cards[:1], F32, max_side=None),
        scoring.row_fingerprint(cards, F32, max_side=512),
        scoring.row_fingerprint(cards, F32, max_side=None, views="3"),
        scoring.row_fingerprint(cards, F32, max_side=None, views="square"),
        *(
            scoring.row_fingerprint(cards, other, max_side=None)
            for other in (
                dataclasses.replace(F32, engine="tensorflow"),
                dataclasses.replace(F32, precision="bf16"),
                dataclasses.replace(F32, instruction_set="avx512"),
            )
        ),
    ]
    assert len({base, *others}) == len(others) + 1
