"""A photo over a device: the stages around it give what the one-photo path gives."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images, scoring
from fcn_core.bad_image import BadImage
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.labels import Views
from fcn_core.scoring.arithmetic import Arithmetic, resolve_arithmetic
from fcn_core.scoring.device import DeviceNetwork, open_network, write_row
from fcn_core.scoring.photo import PhotoScore
from fcn_core.scoring.prepared import Prepared
from fcn_core.scoring.stages import PhotoStages, array_at
from tests.drawn import tiny_models
from tests.drawn.tiny_models import draw_card, draw_photo

GPU = Arithmetic("tensorflow", "f16", "NVIDIA L4")


def over_device(
    data: bytes,
    bundles: list[Path],
    *,
    arithmetic: Arithmetic,
    wire: Arithmetic,
    **options: Any,
) -> PhotoScore:
    """Scores a photo in stages, each network in a batch with two others."""
    networks = [opened(bundle, arithmetic, wire) for bundle in bundles]
    cards = [network.card for network in networks]
    stages = PhotoStages(
        cards, arithmetics=[wire] * len(cards), max_side=200, **options
    )
    block = bytearray(stages.block_bytes)
    prepared = stages.prepare(data, block)
    for row in stages.rows(prepared):
        pixels = array_at(block, row.pixels, (*row.padded, 3), dtype=np.uint8)
        computed = networks[row.model].compute(
            [255 - pixels, pixels], padded=row.padded, size=3
        )
        write_row(list(computed)[1], block, places=row.logits)
    passed_on = json.loads(json.dumps(prepared.to_json()))
    return stages.finish(Prepared.from_json(passed_on), block)


@cache
def opened(bundle: Path, arithmetic: Arithmetic, wire: Arithmetic) -> DeviceNetwork:
    """Opens a model whose logits leave the device as `wire` has it."""
    network = open_network(str(bundle), arithmetic)
    return DeviceNetwork(network.card, network._engine, wire)


@pytest.mark.parametrize("size", [(75, 101), (300, 140), (1, 90)])
def test_batches_do_not_change_a_score(
    segmentation_bundle: Path, rating_bundle: Path, size: tuple[int, int]
) -> None:
    data, bundles = draw_photo(*size), [segmentation_bundle, rating_bundle]
    here = resolve_arithmetic("openvino", "f32")
    scorers = [scoring.load_scorer(str(b), "openvino", "f32") for b in bundles]
    alone = scoring.PhotoScorer(scorers, max_side=200).score_photo(data)
    assert over_device(data, bundles, arithmetic=here, wire=here) == alone


@pytest.mark.parametrize("size", [(190, 170), (300, 140), (64, 64)])
def test_tiles_are_rows_of_batches(
    segmentation_bundle: Path, rating_bundle: Path, size: tuple[int, int]
) -> None:
    data, bundles = draw_photo(*size), [segmentation_bundle, rating_bundle]
    here = resolve_arithmetic("openvino", "f32")
    scorers = [
        scoring.load_scorer(str(b), "openvino", "f32", tile=128) for b in bundles
    ]
    alone = scoring.PhotoScorer(scorers, max_side=200).score_photo(data)
    found = over_device(data, bundles, arithmetic=here, wire=here, tile=128)
    assert found == alone


@pytest.mark.parametrize("views", ["3", "square"])
@pytest.mark.parametrize("size", [(90, 120), (400, 60)])
def test_views_are_rows_of_batches(
    tmp_path: Path, size: tuple[int, int], views: Views
) -> None:
    tiny_models.write_bundle(tmp_path / "b", "aesthetics", nearest_pixels=64 * 64)
    data, here = draw_photo(*size), resolve_arithmetic("openvino", "f32")
    scorer = scoring.load_scorer(str(tmp_path / "b"), "openvino", "f32")
    alone = scoring.PhotoScorer([scorer], max_side=200, views=views).score_photo(data)
    found = over_device(data, [tmp_path / "b"], arithmetic=here, wire=here, views=views)
    assert found == alone


def test_half_precision_changes_few_pixels(segmentation_bundle: Path) -> None:
    here = resolve_arithmetic("openvino", "f32")
    equal = total = 0
    for seed in range(20):
        data = draw_photo(150, 200, seed=seed)
        masks = [
            over_device(data, [segmentation_bundle], arithmetic=here, wire=wire)
            for wire in (here, GPU)
        ]
        pngs = [images.decode_mask(m.mask_png or b"") for m in masks]
        equal += int((pngs[0] == pngs[1]).sum())
        total += pngs[0].size
    assert 0.999 <= equal / total < 1


@pytest.mark.parametrize(
    "changes",
    [
        {"max_side": 640},
        {"max_side": 640, "enlarge": 1.25, "minimum_side": 300},
        {"max_side": 500, "nearest_pixels": 50_176},
    ],
)
@pytest.mark.parametrize("size", [(3, 600), (600, 3), (700, 700), (900, 40), (9, 9)])
def test_every_photo_fits_into_a_block(
    changes: dict[str, Any], size: tuple[int, int]
) -> None:
    cards = [draw_card(**changes), draw_card("aesthetics")]
    stages = PhotoStages(cards, arithmetics=[GPU, GPU], max_side=None)
    one = PhotoStages(cards[:1], arithmetics=[GPU], max_side=None)
    block = bytearray(one.block_bytes)
    prepared = one.prepare(draw_photo(*size, kind="PNG"), block)
    (row,) = one.rows(prepared)
    end = row.logits[-1] + 2 * 5 * (row.padded.height // 8) * (row.padded.width // 8)
    assert end <= one.block_bytes < stages.block_bytes


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"max_side": 1000}, {"tile": 256}),
        ({"max_side": 1000}, {"tile": 900}),
        ({"nearest_pixels": 50_176}, {"views": "3"}),
        ({"nearest_pixels": 50_176}, {"views": "square", "tile": 128}),
    ],
)
@pytest.mark.parametrize("size", [(1000, 1000), (1000, 40), (40, 700), (9, 9)])
def test_all_tiles_and_views_fit_into_a_block(
    changes: dict[str, Any], options: dict[str, Any], size: tuple[int, int]
) -> None:
    stages = PhotoStages([draw_card(**changes)], arithmetics=[GPU], **options)
    block = bytearray(stages.block_bytes)
    rows = stages.rows(stages.prepare(draw_photo(*size, kind="PNG"), block))
    cells = [(row.padded.height // 8) * (row.padded.width // 8) for row in rows]
    end = max(row.logits[-1] + 2 * 5 * n for row, n in zip(rows, cells, strict=True))
    assert end <= stages.block_bytes


def test_large_photos_need_no_larger_blocks() -> None:
    card = draw_card(max_side=640)
    stages = PhotoStages([card], arithmetics=[GPU])
    assert stages.block_bytes < 3 * 640 * 640 * 1.2


def test_models_that_see_the_same_share_the_pixels() -> None:
    cards = [draw_card(max_side=64), draw_card("aesthetics", max_side=64)]
    stages = PhotoStages(cards, arithmetics=[GPU, GPU])
    first, second = stages.rows(stages.prepare(draw_photo(), None))
    assert first.pixels == second.pixels
    assert len({*first.logits, *second.logits}) == 2


def test_a_photo_that_cannot_be_decoded_is_refused_before_the_device() -> None:
    stages = PhotoStages([draw_card()], arithmetics=[GPU])
    with pytest.raises(BadImage, match="not-an-image"):
        stages.prepare(b"\xff\xd8 broken", None)


def test_logits_that_are_not_finite_are_the_photos_fault() -> None:
    exact = Arithmetic("openvino", "f32", "avx2")
    stages = PhotoStages([draw_card(max_side=64)], arithmetics=[exact])
    block = bytearray(stages.block_bytes)
    prepared = stages.prepare(draw_photo(), block)
    (row,) = stages.rows(prepared)
    array_at(block, row.logits[0], (1,), dtype=np.float32)[0] = np.nan
    with pytest.raises(BadImage, match="inference-error"):
        stages.finish(prepared, block)


def test_one_model_a_task() -> None:
    with pytest.raises(ModelError, match="one model for each task"):
        PhotoStages([draw_card(), draw_card()], arithmetics=[GPU, GPU])


def test_two_outputs_of_one_model_lie_apart() -> None:
    card = ModelCard.model_validate(
        draw_card(max_side=64).model_dump()
        | {"ratings": {"rating_bins": [1.0, 2.0], "logits_stride": 16}}
    )
    stages = PhotoStages([card], arithmetics=[GPU])
    (row,) = stages.rows(stages.prepare(draw_photo(), None))
    assert len(row.logits) == 2
    assert row.logits[1] >= row.logits[0] + 2 * 5 * 8 * 16
