"""Photos of any size: tiles that overlap give what one large call gives."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fcn_core import geometry, images, scoring
from fcn_core.bundles.card import ModelError
from fcn_core.scoring import arithmetic, scorers, tiling
from tests.drawn import tiny_models
from tests.drawn.tiny_networks import drawn


class Spy:
    """A network as an engine; keeps the sizes that it was run on."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.sizes: list[tuple[int, ...]] = []

    def logits(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.sizes.append(batch.shape[1:3])
        return np.asarray(self.network(batch.astype(np.float32)))

    def both_logits(
        self, batch: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.sizes.append(batch.shape[1:3])
        classes, ratings = self.network(batch.astype(np.float32))
        return np.asarray(classes), np.asarray(ratings)


def draw(height: int, width: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (1, height, width, 3), np.uint8)


def test_tiles_keep_every_pixel_once_and_deep_inside() -> None:
    for length in range(32, 4097, 32):
        for tile, margin in ((256, 32), (512, 64), (1024, 128), (96, 32)):
            found = tiling.spans(length, tile=tile, margin=margin, multiple=32)
            kept = [range(span.keep_from, span.keep_to) for span in found]
            assert [pixel for part in kept for pixel in part[::32]] == [
                *range(0, length, 32)
            ]
            for span in found:
                assert span.stop - span.start == min(tile, length)
                assert span.start % 32 == 0
                assert span.keep_from == 0 or span.keep_from - span.start >= margin
                assert span.keep_to == length or span.stop - span.keep_to >= margin


def test_tiled_equals_whole_where_margins_hide_the_seams() -> None:
    """FCN-8s on VGG16 looks 240 pixels far; these tiles overlap by 768."""
    network = drawn("fcn8s vgg16")
    spy = Spy(network)
    photo = draw(64, 1280)
    found = tiling.TiledEngine(spy, tiling.Tiles(tile=1024, multiple=32)).logits(photo)
    expected = Spy(network).logits(photo)
    assert spy.sizes == [(64, 1024)] * 2
    assert found.shape == expected.shape
    assert np.ptp(expected) > 1e-2
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_seams_change_nothing_but_what_lies_at_them() -> None:
    network = drawn("fcn8s vgg16")
    photo = draw(64, 1024)
    tiled = tiling.TiledEngine(Spy(network), tiling.Tiles(tile=512, multiple=32))
    off = np.abs(tiled.logits(photo) - Spy(network).logits(photo)).max((0, 1, 3))
    # Tiles 0..512, 384..896, 512..1024 meet at 448 and 704, where the nearest border of
    # a tile is 64 and 192 pixels away; upsampled scores look up to 240 pixels far.
    pixel = 8 * np.arange(len(off)) + 4
    at_seams = (abs(pixel - 448) < 240 - 64) | (abs(pixel - 704) < 240 - 192)
    assert off[~at_seams].max() < 1e-4 < off[at_seams].max()


def test_memory_is_bounded_by_the_tile() -> None:
    network = tiny_models.draw_network()
    spy = Spy(network)
    photo = draw(640, 1024)
    engine = tiling.TiledEngine(spy, tiling.Tiles(tile=300, multiple=128))
    found = engine.logits(photo)
    assert set(spy.sizes) == {(384, 384)}  # one shape to compile
    np.testing.assert_allclose(found, Spy(network).logits(photo), atol=1e-4)
    small = draw(128, 256)
    assert np.array_equal(engine.logits(small), Spy(network).logits(small))


def test_both_tasks_are_tiled() -> None:
    network = tiny_models.draw_network()
    photo = draw(128, 512)

    def both(batch: NDArray[np.float32]) -> tuple[Any, Any]:
        return network(batch), network(batch)[:, ::2, ::2]  # ratings at stride 16

    engine = tiling.TiledEngine(Spy(both), tiling.Tiles(tile=256, multiple=128))
    for found, whole in zip(
        engine.both_logits(photo), Spy(both).both_logits(photo), strict=True
    ):
        np.testing.assert_allclose(found, whole, atol=1e-4)


def test_tiles_start_where_a_network_samples() -> None:
    photo = draw(256, 1024)

    def sampled(batch: NDArray[Any]) -> NDArray[Any]:
        """Returns the first pixel of every block of 128, for each 32 pixels."""
        blocks = np.asarray(batch)[:, ::128, ::128]
        return blocks.repeat(4, axis=1).repeat(4, axis=2)

    for tile in (128, 256, 640):
        tiles = tiling.Tiles(tile=tile, multiple=128, starts=128)
        engine = tiling.TiledEngine(Spy(sampled), tiles)
        assert np.array_equal(engine.logits(photo), sampled(photo))


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        tiling.spans(100, tile=64, margin=0, multiple=32)
    with pytest.raises(ValueError, match="margin below half a tile"):
        tiling.spans(256, tile=64, margin=32, multiple=32)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_a_tiled_photo_has_the_same_mask(
    engine: str, segmentation_bundle: Path
) -> None:
    data = tiny_models.draw_photo(700, 500, kind="PNG")
    whole, tiled = (
        scoring.PhotoScorer(
            [scorers.load_scorer(str(segmentation_bundle), engine, "f32", tile=tile)],
            max_side=1024,
        ).score_photo(data)
        for tile in (None, 256)
    )
    assert whole.mask_png == tiled.mask_png
    assert len(np.unique(images.decode_mask(tiled.mask_png or b""))) > 1


def test_tiles_belong_to_the_fingerprint() -> None:
    chosen = arithmetic.resolve_arithmetic("openvino", "f32")
    card = tiny_models.draw_card()
    plain, none, tiled = (
        scoring.row_fingerprint([card], chosen, max_side=2048, **tile)
        for tile in ({}, {"tile": None}, {"tile": 512})
    )
    assert plain == none != tiled


def test_models_without_logits_are_refused(
    segmentation_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fcn_core.scoring.engines import TensorFlowEngine

    def without_logits(self: Any, bundle: Path, **options: Any) -> None:
        self.has_logits = False

    monkeypatch.setattr(TensorFlowEngine, "__init__", without_logits)
    with pytest.raises(ModelError, match="score without --tile"):
        scorers.load_scorer(str(segmentation_bundle), "tensorflow", "f32", tile=256)


class Coarse:
    """A network that gives each cell a class, whatever it sees: any size, no time."""

    card = tiny_models.draw_card()
    arithmetic = arithmetic.resolve_arithmetic("openvino", "f32")

    def score(
        self, batch: NDArray[np.uint8], sizes: NDArray[np.int32]
    ) -> dict[str, NDArray[Any]]:
        rows, columns = (side // tiny_models.STRIDE for side in batch.shape[1:3])
        owner = (np.arange(rows)[:, None] // 64 + np.arange(columns) // 64) % 5
        return {"logits": np.eye(5, dtype=np.float32)[owner][None]}


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 60), (97, 2), (500, 375), (31, 4096), (4096, 4096)]
)
@pytest.mark.parametrize("max_side", [None, 512])
def test_masks_have_the_photos_size_from_1x1_to_4096x4096(
    size: tuple[int, int], max_side: int | None
) -> None:
    file = io.BytesIO()
    Image.new("RGB", size[::-1], (90, 120, 60)).save(file, "JPEG")
    score = scoring.PhotoScorer([Coarse()], max_side=max_side).score_photo(
        file.getvalue()
    )
    assert (score.height, score.width) == size
    assert images.decode_mask(score.mask_png or b"").shape == size
    assert sum(score.class_pixels or ()) == size[0] * size[1]
    # Nothing is distorted: both sides shrink alike, to the nearest pixel.
    placement = geometry.place(size, max_side=max_side, multiple=128)
    scale = max(placement.fitted) / max(size)
    for fitted, side in zip(placement.fitted, size, strict=True):
        assert abs(fitted - side * scale) <= 0.5 or fitted == 1
