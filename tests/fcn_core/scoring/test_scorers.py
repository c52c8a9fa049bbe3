"""Models open if they are what their card says, and agree whatever runs them."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import geometry, images, scoring
from fcn_core.bundles.card import ModelError
from fcn_core.bundles.seal import seal
from fcn_core.scoring import arithmetic, engines, scorers
from tests.drawn.tiny_models import draw_card, draw_photo

F32 = arithmetic.Arithmetic("openvino", "f32", "avx2")


def test_model_that_breaks_its_cards_promise_is_a_model_error(
    segmentation_bundle: Path,
) -> None:
    engine = engines.OpenVINOEngine(segmentation_bundle, precision="f32")
    card = draw_card(logits_stride=16)
    scorer = scoring.PhotoScorer([scorers.LogitsScorer(card, engine, F32)])
    with pytest.raises(ModelError, match="promises"):
        scorer.score_photo(draw_photo())


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
        scores = [scorer.score_photo(data) for scorer in (first, second)]
        maps = [images.decode_mask(score.mask_png or b"") for score in scores]
        equal += int((maps[0] == maps[1]).sum())
        total += maps[0].size
        means = [score.aesthetics_mean or 0.0 for score in scores]
        difference = max(difference, abs(means[0] - means[1]))
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
