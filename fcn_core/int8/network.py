"""A network in int8 as part of a bundle: written beside the f32 one, named in the card.

The network is OpenVINO's: convolutions between quantised numbers, the rest in float32.
"""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from fcn_core import libraries
from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.int8_form import INT8_FILES, Calibration, Int8Form
from fcn_core.bundles.seal import seal


def attach(bundle: Path, network: Any, calibration: Calibration) -> ModelCard:
    """Writes a network into a bundle, in place of another one, and into its card.

    Args:
        bundle: A complete one.
        network: The bundle's `openvino.Model`, quantised.
        calibration: How.

    Returns:
        The card as written, without figures.
    """
    openvino = libraries.import_openvino()
    openvino.save_model(network, bundle / INT8_FILES[0], compress_to_fp16=False)
    form = Int8Form(calibration=calibration, network=network_digest(network))
    return write_form(bundle, form)


def write_form(bundle: Path, form: Int8Form) -> ModelCard:
    """Writes the card of a bundle whose int8 files are in place; returns it."""
    card = ModelCard.read(bundle).model_copy(update={"int8": form})
    card = seal(card, bundle, network=card.network)
    card.write(bundle)
    return card


def copy_bundle(bundle: Path, folder: Path) -> None:
    """Copies the files that a bundle's card names, but another int8 form, and the card.

    Args:
        bundle: To copy.
        folder: An empty one.
    """
    card = ModelCard.read(bundle)
    names = [name for name in card.files if name not in INT8_FILES]
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle / name, target)
    files = {name: card.files[name] for name in names}
    card.model_copy(update={"files": files, "int8": None}).write(folder)


def network_digest(network: Any) -> str:
    """Returns the sha256 in hex of what an OpenVINO network computes.

    Operations, attributes, constants and what they are applied to count; names do not,
    they tell of the process that wrote the network.
    """
    digests: dict[str, str] = {}
    for operation in network.get_ordered_ops():
        content = hashlib.sha256(operation.get_type_name().encode())
        for source in operation.inputs():
            output = source.get_source_output()
            name = output.get_node().get_friendly_name()
            content.update(f"\0{digests[name]}:{output.get_index()}".encode())
        content.update(f"\0{_attributes(operation)}".encode())
        if operation.get_type_name() == "Constant":
            content.update(operation.data.tobytes())
        digests[operation.get_friendly_name()] = content.hexdigest()
    results = [digests[each.get_friendly_name()] for each in network.get_results()]
    return hashlib.sha256("\n".join(results).encode()).hexdigest()


def _attributes(operation: Any) -> list[tuple[str, str]]:
    """Returns what an operation is told besides its inputs, in one order."""
    attributes = operation.get_attributes()
    return sorted((name, str(value)) for name, value in attributes.items())
