import dataclasses
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core import geometry, images, scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.seal import seal
from fcn_core.scoring import arithmetic, class_maps, engines, scorers
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


def test_score_photo_equals_each_step_by_hand(
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
    assert found.ratings is not None
    np.testing.assert_allclose(found.ratings, shares, rtol=1e-5)
    bins = np.array(tiny_models.BINS)
    assert found.mean == pytest.approx((shares * bins).sum(), rel=1e-5)
    variance = (shares * (bins - found.mean) ** 2).sum()
    assert found.std == pytest.approx(variance**0.5, rel=1e-5)

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
    one = scoring.PhotoScorer([first]).score_photo(data)
    other = scoring.PhotoScorer([second], masks=False).score_photo(data)
    assert one.ratings is None
    assert other.class_pixels is None
    assert other.mask_png is None
    merged = dataclasses.replace(
        one, ratings=other.ratings, mean=other.mean, std=other.std
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
    assert decoded[1:] == [None, 64]
    scoring.PhotoScorer([first, other], max_side=50).score_photo(draw_photo())
    assert decoded[3:] == [50]


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


def test_model_that_breaks_its_cards_promise_is_a_model_error(
    segmentation_bundle: Path,
) -> None:
    engine = engines.OpenVINOEngine(segmentation_bundle, precision="f32")
    card = draw_card(logits_stride=16)
    scorer = scoring.PhotoScorer([scorers.LogitsScorer(card, engine, F32)])
    with pytest.raises(ModelError, match="promises"):
        scorer.score_photo(draw_photo())


def test_refuses_two_models_of_one_task() -> None:
    scorer = FakeScorer(draw_card(), fake_logits(1))
    for given in ([], [scorer, scorer]):
        with pytest.raises(ModelError, match="one model for each task"):
            scoring.PhotoScorer(given)


@pytest.mark.parametrize("alignment", ["corner", "center"])
@pytest.mark.parametrize("stride", [4, 8, 16])
def test_valid_cells(alignment: geometry.Alignment, stride: int) -> None:
    offset = 0 if alignment == "corner" else (stride - 1) / 2
    sizes = np.arange(1, 80)
    pixel_of_cell = stride * np.arange(100) + offset
    expected = np.maximum(1, (pixel_of_cell < sizes[:, None]).sum(-1))
    found = geometry.valid_cells(sizes, stride=stride, alignment=alignment)
    np.testing.assert_array_equal(found, expected)


def photos() -> list[bytes]:
    """Real photos where there are some, else drawn ones."""
    root = os.environ.get("FCN_VOC_ROOT")
    if root is None:
        sizes = ((75, 101), (140, 90), (130, 260), (33, 47))
        return [draw_photo(*size, seed=n) for n, size in enumerate(sizes)]
    paths = sorted(Path(root, "JPEGImages").glob("*.jpg"))[:8]
    return [path.read_bytes() for path in paths]


def compare(bundle: Path, rating_bundle: Path, *settings: tuple[str, str]) -> Any:
    """Share of equal pixels and largest difference of means, first against second."""
    first, second = (
        scoring.PhotoScorer(
            [scoring.load_scorer(str(path), *way) for path in (bundle, rating_bundle)]
        )
        for way in settings
    )
    equal = total = 0
    difference = 0.0
    for data in photos():
        one, other = first.score_photo(data), second.score_photo(data)
        maps = [images.decode_mask(score.mask_png or b"") for score in (one, other)]
        equal += int((maps[0] == maps[1]).sum())
        total += maps[0].size
        difference = max(difference, abs((one.mean or 0.0) - (other.mean or 9.0)))
    return equal / total, difference


def bundles_to_compare(*fallback: Path) -> tuple[Path, Path]:
    """The built-in models where they exist."""
    if {"voc21", "quality"} <= set(scoring.built_in_names()):
        return scoring.find_bundle("voc21"), scoring.find_bundle("quality")
    return fallback[0], fallback[1]


def test_openvino_f32_equals_tensorflow(
    segmentation_bundle: Path, rating_bundle: Path
) -> None:
    share, difference = compare(
        *bundles_to_compare(segmentation_bundle, rating_bundle),
        ("openvino", "f32"),
        ("tensorflow", "f32"),
    )
    assert share >= 0.999
    assert difference <= 1e-4


def test_bf16_is_near_f32(segmentation_bundle: Path, rating_bundle: Path) -> None:
    if arithmetic._bf16_instructions() is None:
        pytest.skip("this processor does not compute bfloat16 in hardware")
    share, _ = compare(
        *bundles_to_compare(segmentation_bundle, rating_bundle),
        ("openvino", "f32"),
        ("openvino", "bf16"),
    )
    assert share >= 0.995


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
        "assert score.mask_png and score.mean\n"
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


def test_row_fingerprint_tells_what_decides_a_row() -> None:
    cards = [draw_card(network="1" * 64), draw_card("aesthetics", network="2" * 64)]
    cards = [
        c.model_copy(update={"fingerprint": c.computed_fingerprint()}) for c in cards
    ]
    base = scoring.row_fingerprint(cards, F32, max_side=None)
    assert base == scoring.row_fingerprint(cards[::-1], F32, max_side=None)
    others = [
        scoring.row_fingerprint(cards[:1], F32, max_side=None),
        scoring.row_fingerprint(cards, F32, max_side=512),
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


def test_damaged_model_does_not_load(segmentation_bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(segmentation_bundle, copy)
    weights = copy / "logits.bin"
    damaged = bytearray(weights.read_bytes())
    damaged[100] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(ModelError, match=r"logits\.bin .* copy the whole folder"):
        scoring.load_scorer(str(copy), "openvino", "f32")


def write_strangers_model(folder: Path) -> None:
    """A SavedModel with `serving_default` only: brightness decides the class."""
    import tensorflow as tf

    module = tf.Module()

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.uint8, "images"),
            tf.TensorSpec([None, 2], tf.int32, "sizes"),
        ]
    )
    def serve(images: Any, sizes: Any) -> dict[str, Any]:
        bright = tf.reduce_mean(tf.cast(images, tf.float32), -1) > 128
        return {
            "class_map": tf.cast(bright, tf.uint8),
            "class_pixels": tf.zeros([tf.shape(sizes)[0], 5], tf.int32),
        }

    tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})
    seal(draw_card(name="stranger"), folder).write(folder)


def test_strangers_model_is_scored_through_serving_default(tmp_path: Path) -> None:
    write_strangers_model(tmp_path)
    data = draw_photo(75, 101, kind="PNG")
    scorer = scoring.load_scorer(str(tmp_path), "tensorflow", "f32")
    found = scoring.PhotoScorer([scorer]).score_photo(data)
    bright = images.decode(data).pixels.astype(np.float32).mean(-1) > 128
    assert found.class_pixels == ((~bright).sum(), bright.sum(), 0, 0, 0)
    shrunk = scoring.PhotoScorer([scorer], max_side=50).score_photo(data)
    assert shrunk.mask_png is not None
    small = images.decode_mask(shrunk.mask_png)
    assert small.shape == (75, 101)
    assert (small == bright).mean() > 0.9
    with pytest.raises(ModelError, match="--engine tensorflow"):
        scoring.load_scorer(str(tmp_path), "openvino", "f32")
