"""Proves a bundle before a job starts: card, files, operations, signatures, engines.

What `fcn models check` prints. Everything is tried on one small drawn photo: each
signature runs, and each pair of ways to the same answer must agree.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import geometry
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.operations import check_operations
from fcn_core.records.record import ImageRecord, keys
from fcn_core.scoring import class_maps, engines
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.scorers import SIDE_ROUNDING, LogitsScorer

Level = Literal["ok", "warning", "error"]

LOGITS_TOLERANCE: Final = 1e-3
"""Largest difference between two engines' float32 logits, as a share of their span."""

AGREEMENT: Final = 0.999
"""Least share of pixels on which two ways to a class map must agree."""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked.

    Attributes:
      level: "error" if the model must not be used.
      check: What was checked, a few words.
      detail: What was found, and the cure where there is one.
    """

    level: Level
    check: str
    detail: str


def check(folder: Path) -> list[Finding]:
    """Checks a bundle from the outside in; stops where nothing deeper can be tried."""
    folder = Path(folder)
    try:
        card = ModelCard.read(folder)
        card.verify(folder)
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
    """Runs every signature and engine on one drawn photo."""
    reference = engines.TensorFlowEngine(folder, precision="f32")
    placement, batch = _drawn_photo(card)
    sizes = np.array([placement.fitted], np.int32)
    served = reference.serve(batch, sizes)
    yield from _check_outputs(served, card, batch)
    if not reference.has_logits:
        yield Finding(
            "warning",
            "logits",
            "there is no signature logits: scored through serving_default, slowly",
        )
        return
    arithmetic = Arithmetic("tensorflow", "f32", "any")
    outputs = LogitsScorer(card, reference, arithmetic).score(batch, sizes)
    yield Finding("ok", "logits", f"stride {card.logits_stride}, {card.alignment}")
    yield _compare(served, _finish(outputs, card, placement), sizes, "serving_default")
    yield from _check_decoding(reference, card, placement, batch)
    yield _check_openvino(folder, reference, batch, two=len(card.parts) == 2)


def _drawn_photo(card: ModelCard) -> tuple[geometry.Placement, NDArray[np.uint8]]:
    """Smooth colours of a size that divides by nothing, padded as for scoring."""
    noise = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    height, width = 101, 139
    pixels = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    placement = geometry.place(
        geometry.Size(height, width),
        max_side=None,
        multiple=int(np.lcm(SIDE_ROUNDING, card.size_multiple)),
        minimum=card.minimum_side,
    )
    batch = np.empty((1, *placement.padded, 3), np.uint8)
    batch[:] = card.padding_value
    batch[0, :height, :width] = np.asarray(pixels)
    return placement, batch


def _finish(
    outputs: dict[str, NDArray[Any]], card: ModelCard, placement: geometry.Placement
) -> dict[str, NDArray[Any]]:
    """The host's way from the scorer's outputs to those of `serving_default`."""
    if card.task == "aesthetics":
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
    served: dict[str, NDArray[Any]], card: ModelCard, batch: NDArray[np.uint8]
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
        found = None if value is None else (value.dtype.name, value.shape)
        wanted = (np.dtype(dtype).name, shape)
        yield Finding(
            "ok" if found == wanted else "error",
            f"serving_default {name}",
            f"{found}" if found == wanted else f"{found}, expected {wanted}",
        )


def _check_decoding(
    engine: engines.TensorFlowEngine,
    card: ModelCard,
    placement: geometry.Placement,
    batch: NDArray[np.uint8],
) -> Iterator[Finding]:
    """Sends the photo as PNG through the signatures that decode."""
    from tensorflow.core.example import example_pb2

    height, width = placement.original
    file = io.BytesIO()
    Image.fromarray(batch[0, :height, :width]).save(file, "PNG")
    example = example_pb2.Example()
    feature = example.features.feature[keys(ImageRecord)["encoded"]]
    feature.bytes_list.value.append(file.getvalue())
    encoded = {
        "serving_bytes": file.getvalue(),
        "serving_tf_example": example.SerializeToString(),
    }
    expected = engine.serve(batch, np.array([placement.fitted], np.int32))
    sizes = np.array([placement.fitted], np.int32)
    for name, value in encoded.items():
        if not engine.has_signature(name):
            yield Finding("warning", name, "missing; export the model again")
            continue
        found = engine.serve_encoded(name, [value])
        yield _compare(found, expected, sizes, name)


def _check_openvino(
    folder: Path,
    reference: engines.TensorFlowEngine,
    batch: NDArray[np.uint8],
    *,
    two: bool,
) -> Finding:
    """Compares the float32 logits of both engines, of both outputs if there are two."""
    try:
        engine = engines.OpenVINOEngine(folder, precision="f32")
    except ModelError as error:
        return Finding("warning", "openvino", str(error))
    expected, found = (
        one.both_logits(batch) if two else (one.logits(batch),)
        for one in (reference, engine)
    )
    difference, close = 0.0, True
    for theirs, ours in zip(expected, found, strict=True):
        if theirs.shape != ours.shape:
            detail = f"{ours.shape}, tensorflow gives {theirs.shape}; export it again"
            return Finding("error", "openvino", detail)
        one = float(np.abs(theirs - ours).max())
        close &= one <= LOGITS_TOLERANCE * max(1.0, float(np.ptp(theirs)))
        difference = max(difference, one)
    detail = f"largest difference of the logits {difference:.1e}"
    return Finding(
        "ok" if close else "error",
        "openvino",
        detail if close else f"{detail} from tensorflow's; export it again",
    )


def _compare(
    found: dict[str, NDArray[Any]],
    expected: dict[str, NDArray[Any]],
    sizes: NDArray[np.int32],
    name: str,
) -> Finding:
    """Compares two ways to a class map, or to mean ratings, on the valid part."""
    height, width = sizes[0]
    good, details = True, []
    if "class_map" in expected:
        first, second = (
            outputs["class_map"][0, :height, :width] for outputs in (found, expected)
        )
        share = float((first == second).mean())
        good &= share >= AGREEMENT
        details.append(f"{share:.2%} of pixels agree")
    if "mean" in expected:
        difference = float(np.abs(found["mean"] - expected["mean"]).max())
        good &= difference <= 1e-4
        details.append(f"means differ by {difference:.1e}")
    return Finding("ok" if good else "error", name, ", ".join(details))
