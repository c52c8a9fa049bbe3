"""Proves a bundle before a job starts: card, files, operations, signatures, engines.

`fcn models check` prints the findings. Everything is tried on a small drawn photo: each
signature runs, and any two ways to the same answer must agree.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import geometry, images
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.operations import check_operations
from fcn_core.bundles.seal import verify
from fcn_core.labels import RATING_TASKS
from fcn_core.records.record import ImageRecord, keys
from fcn_core.scoring import check_int8, class_maps, engines
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.feed import Fed, feed_of, prepare
from fcn_core.scoring.finding import Finding
from fcn_core.scoring.scorers import LogitsScorer, Outputs, run_network

LOGITS_TOLERANCE: Final = 1e-3
"""Largest difference between two engines' float32 logits, as a share of their span."""

AGREEMENT: Final = 0.999
"""Least share of pixels on which two ways to a class map must agree."""


def check(folder: Path) -> list[Finding]:
    """Checks a bundle from the outside in; stops where nothing deeper can be tried."""
    folder = Path(folder)
    try:
        card = ModelCard.read(folder)
        verify(card, folder)
    except ModelError as error:
        return [Finding("error", "card", str(error))]
    findings = [Finding("ok", "card", f"{card.label}, {len(card.files)} files")]
    try:
        nodes = check_operations(folder)
        findings.append(Finding("ok", "operations", f"{nodes} nodes, arithmetic only"))
        findings += _check_runs(folder, card)
    except ModelError as error:
        findings.append(Finding("error", "network", str(error)))
    except Exception as error:
        # A model made elsewhere can fail in any way: each is a finding, never a crash.
        detail = f"{type(error).__name__}: {str(error)[:300]}"
        findings.append(Finding("error", "network", f"does not run: {detail}"))
    return findings


def _check_runs(folder: Path, card: ModelCard) -> Iterator[Finding]:
    """Runs every signature and engine on a drawn photo."""
    reference = engines.TensorFlowEngine(folder, precision="f32")
    file, photo = _draw_photo(card)
    served = reference.serve(photo.batch, photo.sizes)
    yield from _check_outputs(served, card, photo.batch)
    if not reference.has_logits:
        yield Finding(
            "warning",
            "logits",
            "the signature logits is missing, so photos are scored through"
            " serving_default, which is slow; export the model with `fcn export`",
        )
        return
    scorer = LogitsScorer(card, reference, Arithmetic("tensorflow", "f32", "any"))
    expected = _finish(scorer.score(photo.batch, photo.sizes), card, photo.placement)
    fitted = photo.placement.fitted
    yield Finding("ok", "logits", f"stride {card.logits_stride}, {card.alignment}")
    yield _compare("serving_default", served, expected, size=fitted)
    for name, value in _encoded(file).items():
        if reference.has_signature(name):
            found = reference.serve_encoded(name, [value])
            yield _compare(name, found, served, size=fitted)
        else:
            yield Finding("warning", name, "missing; export the model again")
    yield _check_openvino(folder, card, reference, batch=photo.batch)
    if card.int8 is not None:
        yield check_int8.compare(folder, card, photo)


def _draw_photo(card: ModelCard) -> tuple[bytes, Fed]:
    """Draws smooth colours of a size that nothing divides.

    Returns:
        The PNG file, and the photo padded as for scoring, at its own size.
    """
    noise = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    drawn = Image.fromarray(noise).resize((139, 101), Image.Resampling.BICUBIC)
    drawn.save(file, "PNG")
    feed = replace(feed_of(card), max_side=None, enlarge=1.0)
    return file.getvalue(), prepare(images.decode(file.getvalue()), feed)


def _finish(
    outputs: Outputs, card: ModelCard, placement: geometry.Placement
) -> Outputs:
    """Returns what `serving_default` must return, from the outputs of the scorer."""
    if card.task in RATING_TASKS:
        return outputs
    others = {name: value for name, value in outputs.items() if name != "logits"}
    class_map = class_maps.class_map(
        outputs["logits"][0],
        placement,
        stride=card.logits_stride,
        alignment=card.alignment,
    )
    return others | {"class_map": class_map[None]}


def _check_outputs(
    served: Outputs, card: ModelCard, batch: NDArray[np.uint8]
) -> Iterator[Finding]:
    """Compares names, dtypes and shapes of `serving_default` with the contract."""
    expected: dict[str, tuple[type, tuple[int, ...]]] = {}
    for part in card.parts:
        channels = (1, part.num_classes)
        if part.task == "segmentation":
            expected["class_map"] = (np.uint8, batch.shape[:3])
            expected["class_pixels"] = (np.int32, channels)
        else:
            expected["ratings"] = (np.float32, channels)
            expected |= {"mean": (np.float32, (1,)), "std": (np.float32, (1,))}
    for name, (dtype, shape) in expected.items():
        value = served.get(name)
        found = "nothing" if value is None else _kind(value.dtype, value.shape)
        wanted = _kind(np.dtype(dtype), shape)
        good = found == wanted
        yield Finding(
            "ok" if good else "error",
            f"serving_default {name}",
            found if good else f"got {found}, expected {wanted}; export it again",
        )


def _kind(dtype: np.dtype[Any], shape: Sequence[int]) -> str:
    return f"{dtype.name} {list(shape)}"


def _encoded(file: bytes) -> dict[str, bytes]:
    """Returns the argument of each signature that decodes."""
    from tensorflow.core.example import example_pb2

    example = example_pb2.Example()
    example.features.feature[keys(ImageRecord)["encoded"]].bytes_list.value.append(file)
    return {"serving_bytes": file, "serving_tf_example": example.SerializeToString()}


def _check_openvino(
    folder: Path,
    card: ModelCard,
    reference: engines.Engine,
    *,
    batch: NDArray[np.uint8],
) -> Finding:
    """Compares the float32 logits of OpenVINO with the reference's."""
    try:
        engine = engines.OpenVINOEngine(folder, precision="f32")
    except ModelError as error:
        return Finding("warning", "openvino", str(error))
    worst, close = 0.0, True
    both = (run_network(way, batch, card) for way in (reference, engine))
    for theirs, ours in zip(*both, strict=True):
        if theirs.shape != ours.shape:
            return Finding(
                "error",
                "openvino",
                f"got logits {ours.shape}, expected {theirs.shape} as from tensorflow;"
                " export it again",
            )
        difference = float(np.abs(theirs - ours).max())
        close &= difference <= LOGITS_TOLERANCE * max(1.0, float(np.ptp(theirs)))
        worst = max(worst, difference)
    detail = f"logits differ from tensorflow's by up to {worst:.1e}"
    if close:
        return Finding("ok", "openvino", detail)
    return Finding("error", "openvino", f"{detail}; export it again")


def _compare(
    name: str, found: Outputs, expected: Outputs, *, size: geometry.Size
) -> Finding:
    """Compares two ways to a class map, or to mean ratings, on the valid part."""
    good, details = True, []
    if "class_map" in expected:
        first, second = (
            outputs["class_map"][0, : size.height, : size.width]
            for outputs in (found, expected)
        )
        share = float((first == second).mean())
        good &= share >= AGREEMENT
        details.append(f"{share:.2%} of pixels agree")
    if "mean" in expected:
        difference = float(np.abs(found["mean"] - expected["mean"]).max())
        good &= difference <= 1e-4
        details.append(f"means differ by {difference:.1e}")
    detail = ", ".join(details)
    if good:
        return Finding("ok", name, detail)
    return Finding("error", name, f"{detail}; export the model again")
