"""Keras model -> bundle: one frozen SavedModel, OpenVINO's form of it, and the card.

All signatures call one frozen function (freezing each anew would store the weights
once a signature), weights are constants: 1.25-1.45 times faster on a processor than
variables, and the only form that TF1 sessions load.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import keras
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from fcn_core import libraries
from fcn_core.bundles import photo_list
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.find import check_free
from fcn_core.bundles.operations import producer
from fcn_core.bundles.photo_list import PHOTOS_NAME, Photos
from fcn_core.bundles.seal import seal
from fcn_core.export import signatures
from fcn_core.scoring.engines import IR_NAME, OUTPUT_NAMES
from fcn_core.versions import versions_of
from fcn_core.whole_files import whole_folder

_RECORDED: Final = ("tensorflow", "keras", "openvino", "numpy")


def export(
    model: keras.Model, folder: Path, card: ModelCard, *, photos: Photos | None = None
) -> ModelCard:
    """Writes a bundle: all of it or nothing.

    Args:
        model: float32 RGB in 0..255 `[B, H, W, 3]` -> logits float32
            `[B, H/s, W/s, C]`, s and C as the card says; preprocessing inside. For a
            card with `ratings` it returns a dict of `logits` and `rating_logits`.
        folder: Must not exist, or be empty.
        card: Everything but files, versions, network and fingerprint.
        photos: The photos it learned from, where they are known.

    Returns:
        The card as written.

    Raises:
        ModelError: The folder is taken, or the model is not what the card says.
    """
    folder = Path(folder)
    check_free(folder)
    _check_geometry(model, card)
    frozen = freeze(model)
    with whole_folder(folder) as bundle:
        _save(signatures.signatures(frozen, card), bundle)
        _write_ir(frozen, bundle)
        if photos is not None:
            (bundle / PHOTOS_NAME).write_bytes(photo_list.encode(photos))
        versions = card.versions | versions_of(*_RECORDED)
        card = card.model_copy(update={"versions": versions})
        card = seal(card, bundle, network=network_digest(frozen))
        card.write(bundle)
    return card


def freeze(model: keras.Model) -> Any:
    """Returns the concrete function uint8 `[B, H, W, 3]` -> logits, all constants."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, "images")],
        autograph=False,
    )
    def logits(images: Any) -> Any:
        return model(tf.cast(images, tf.float32), training=False)

    return convert_to_constants.convert_variables_to_constants_v2(
        logits.get_concrete_function()
    )


def network_digest(frozen: Any) -> str:
    """Returns the sha256 in hex of what a frozen function computes.

    Every node is hashed with its operation, attributes, constants and the hashes of
    its inputs, so neither names nor the order of nodes count: TensorFlow and Keras
    number them by what else the process has built. Two exports of one model have one
    digest although their files differ.
    """
    nodes = {node.name: node for node in frozen.graph.as_graph_def().node}
    digests: dict[str, str] = {}
    # Depth first without recursion: networks are deeper than Python's stack.
    pending = [producer(output.name) for output in frozen.outputs]
    while pending:
        name = pending[-1]
        inputs = [producer(text) for text in nodes[name].input]
        missing = [other for other in inputs if other not in digests]
        if missing:
            pending += missing
            continue
        pending.pop()
        if name not in digests:
            digests[name] = _node_digest(nodes[name], digests)
    outputs = [_reference(output.name, digests) for output in frozen.outputs]
    return hashlib.sha256("\n".join(outputs).encode()).hexdigest()


def _node_digest(node: Any, digests: dict[str, str]) -> str:
    """Returns the digest of a node, given those of its inputs."""
    content = hashlib.sha256(node.op.encode())
    for text in node.input:
        content.update(b"\0input\0" + _reference(text, digests).encode())
    for key in sorted(node.attr):
        # Underscored attributes are TensorFlow's notes to itself.
        if not key.startswith("_"):
            value = node.attr[key].SerializeToString(deterministic=True)
            content.update(b"\0attr\0" + key.encode() + b"\0" + value)
    return content.hexdigest()


def _reference(reference: str, digests: dict[str, str]) -> str:
    """Returns a reference with the node's digest in place of its name."""
    name = producer(reference)
    return reference.replace(name, digests[name], 1)


def _check_geometry(model: keras.Model, card: ModelCard) -> None:
    """Checks the model's shapes on a photo that no stride divides by chance."""
    multiple = card.size_multiple
    least = -(-card.minimum_side // multiple) * multiple
    height, width = least + multiple, least + 2 * multiple
    expected = [
        (1, height // part.logits_stride, width // part.logits_stride, part.num_classes)
        for part in card.parts
    ]
    outputs = model(tf.zeros([1, height, width, 3]), training=False)
    found = [tuple(output.shape) for output in tf.nest.flatten(outputs)]
    if found != expected:
        raise ModelError(
            f"the model returns {found} for [1, {height}, {width}, 3], expected"
            f" {expected} as the card of {card.label} promises; correct logits_stride,"
            " classes or rating_bins in the card"
        )


def _save(
    functions: Mapping[str, Callable[..., signatures.Tensors]], folder: Path
) -> None:
    module = tf.Module()
    # Signatures must be reachable from the module to be saved with it.
    module.signatures_by_name = functions
    tf.saved_model.save(module, os.fspath(folder), signatures=functions)


def _write_ir(frozen: Any, bundle: Path) -> None:
    """Writes `logits.xml` and `.bin` where openvino is installed.

    OpenVINO reads one signature only, hence the temporary SavedModel. Weights stay
    float32: rounding them to half precision moves logits by up to 0.15.
    """
    try:
        openvino = libraries.import_openvino()
    except ImportError:
        return
    with tempfile.TemporaryDirectory() as temporary:
        module = tf.Module()
        module.frozen = frozen
        tf.saved_model.save(module, temporary, signatures=frozen)
        network = openvino.Core().read_model(temporary)
        if len(network.outputs) > 1:
            for number, name in enumerate(OUTPUT_NAMES):
                network.output(f"output_{number}").get_tensor().set_names({name})
        openvino.save_model(network, bundle / IR_NAME, compress_to_fp16=False)
        del network
    shutil.rmtree(bundle / "assets", ignore_errors=True)
