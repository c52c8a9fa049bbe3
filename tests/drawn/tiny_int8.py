"""int8 forms of tiny bundles, drawn without NNCF: ranges are fixed, not calibrated."""

from pathlib import Path
from typing import Any

import numpy as np

from fcn_core import libraries
from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.int8_form import MIOU, RANKS, Calibration, Compared
from fcn_core.int8 import network as network_module

RANGE = 3.0
"""Numbers between layers are cut to this; the tiny networks' are smaller."""

CALIBRATION = Calibration(
    data="drawn",
    data_fingerprint="d" * 64,
    split="train",
    photos=3,
    photos_sha256="e" * 64,
    seed=0,
    method="fixed ranges",
    versions={"openvino": "0"},
)


def add(
    bundle: Path, folder: Path, *, loss: float = 0.001, ranks: float = 0.999
) -> ModelCard:
    """Writes a copy of a bundle with an int8 form that its card calls so good."""
    folder.mkdir(parents=True)
    network_module.copy_bundle(bundle, folder)
    card = network_module.attach(folder, quantised(bundle), CALIBRATION)
    assert card.int8 is not None
    form = card.int8.model_copy(
        update={"compared": compared(card, loss=loss, ranks=ranks)}
    )
    return network_module.write_form(folder, form)


def compared(card: ModelCard, *, loss: float, ranks: float) -> list[Compared]:
    """Returns figures of the tasks of a card."""
    shared: Any = {
        "data": "drawn dddd",
        "split": "val",
        "images": 9,
        "instruction_set": "avx2",
    }
    tasks = [part.task for part in card.parts]
    found = []
    if "segmentation" in tasks:
        found.append(Compared(name=MIOU, f32=0.7, int8=0.7 - loss, **shared))
    if tasks != ["segmentation"]:
        found.append(Compared(name=RANKS, f32=1.0, int8=ranks, **shared))
    return found


def quantised(bundle: Path) -> Any:
    """Returns a bundle's network with what convolutions read and weigh in 8 bits."""
    openvino = libraries.import_openvino()
    network = openvino.Core().read_model(bundle / "logits.xml")
    for operation in network.get_ordered_ops():
        if operation.get_type_name() != "Convolution":
            continue
        for number, levels in ((0, 256), (1, 255)):
            source = operation.input(number).get_source_output()
            top = RANGE if number == 0 else _largest(source)
            operation.input(number).replace_source_output(
                _in_8_bits(source, top, levels).output(0)
            )
    network.validate_nodes_and_infer_types()
    return network


def _largest(weights: Any) -> float:
    return float(np.abs(weights.get_node().data).max())


def _in_8_bits(source: Any, top: float, levels: int) -> Any:
    from openvino import opset13

    low, high = np.float32(-top), np.float32(top)
    return opset13.fake_quantize(source, low, high, low, high, levels)
