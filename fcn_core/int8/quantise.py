"""A bundle -> the same bundle with an int8 form: calibrated, and compared with f32.

NNCF chooses ranges for the numbers between layers by looking at photos; it is needed
here only, what it makes is an OpenVINO network. Photos are fed as scoring feeds them.
"""

import contextlib
import hashlib
import heapq
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fcn_core import images, libraries
from fcn_core.bundles.card import Label, ModelCard, ModelError
from fcn_core.bundles.find import check_free
from fcn_core.bundles.int8_form import Calibration
from fcn_core.bundles.seal import verify
from fcn_core.int8 import figures
from fcn_core.int8.network import attach, copy_bundle, write_form
from fcn_core.records.record import ImageRecord
from fcn_core.records.source import Source, naming
from fcn_core.scoring.engines import IR_NAME
from fcn_core.scoring.feed import feed_of, prepare
from fcn_core.versions import versions_of
from fcn_core.whole_files import whole_folder

METHOD: Final = "nncf.quantize, preset mixed, the first depthwise layer in f32"


@dataclass(frozen=True, kw_only=True)
class Int8Settings:
    """What an int8 form is made and measured with.

    Attributes:
        data: A finished data set.
        split: To choose photos to calibrate with.
        photos: How many; all if there are fewer.
        seed: To choose them by.
        measured_split: To compare with f32; None: `val` if there is one, else the
            photos of `split` that did not calibrate.
        measured_photos: At most so many.
    """

    data: Path
    split: str = "train"
    photos: int = 120
    seed: int = 0
    measured_split: str | None = None
    measured_photos: int = 200


def check_installed() -> None:
    """Refuses early where NNCF is missing.

    Raises:
        ModelError: It is not installed.
    """
    try:
        libraries.import_nncf()
    except ImportError:
        raise ModelError(
            "int8 needs the package nncf, which is not installed; pip install"
            " 'fcn[int8]'"
        ) from None


def add_int8(
    bundle: Path,
    output: Path,
    settings: Int8Settings,
    *,
    name: Label | None = None,
    version: Label | None = None,
) -> ModelCard:
    """Writes a copy of a bundle with an int8 form: all of it or nothing.

    Args:
        bundle: With OpenVINO's form of its network.
        output: Folder of the copy, new or empty.
        settings: Photos to calibrate and to measure with.
        name: Of the model; the bundle's if None.
        version: Of the model; the bundle's if None.

    Returns:
        The card as written.

    Raises:
        ModelError: The bundle cannot be quantised, or the folder is taken.
        DatasetError: The data set is not finished, or has no such split.
    """
    check_installed()
    card = ModelCard.read(bundle)
    verify(card, bundle)
    if not (bundle / IR_NAME).is_file():
        raise ModelError(
            f"{bundle} has no {IR_NAME}, expected one to quantise; export it again"
            " where openvino is installed"
        )
    check_free(output)
    chosen = choose(settings)
    measured = _measured(settings, chosen)
    figures.check_source(card, measured.source)
    named = {"name": name or card.name, "version": version or card.version}
    with whole_folder(output) as new:
        copy_bundle(bundle, new)
        ModelCard.read(new).model_copy(update=named).write(new)
        network = _quantised(bundle, card, chosen)
        form = attach(new, network, _calibration(settings, chosen)).int8
        if form is None:
            raise RuntimeError("attach: got no int8 form in the card it wrote")
        compared = figures.compare(new, measured)
        form = form.model_copy(update={"compared": compared})
        return write_form(new, form)


def choose(settings: Int8Settings) -> list[ImageRecord]:
    """Returns the photos to calibrate with, whatever the order of the shards.

    Raises:
        DatasetError: The data set is not finished, or has no such split.
    """
    source = Source(folder=settings.data, split=settings.split)

    def key(record: ImageRecord) -> bytes:
        return hashlib.sha256(f"{settings.seed} {record.sha256}".encode()).digest()

    return heapq.nsmallest(settings.photos, source.records(), key=key)


def _measured(
    settings: Int8Settings, chosen: Sequence[ImageRecord]
) -> figures.Measured:
    """Returns the photos to compare on, none of those that calibrated."""
    splits = Source(folder=settings.data, split=settings.split).info.splits
    split = settings.measured_split
    if split is None:
        split = "val" if "val" in splits else settings.split
    return figures.Measured(
        Source(folder=settings.data, split=split),
        without=frozenset(record.sha256 for record in chosen),
        most=settings.measured_photos,
    )


def _quantised(bundle: Path, card: ModelCard, chosen: Sequence[ImageRecord]) -> Any:
    """Returns the network of a bundle in int8, as OpenVINO's model."""
    nncf = libraries.import_nncf()
    openvino = libraries.import_openvino()
    feed = feed_of(card)

    def batch(record: ImageRecord) -> NDArray[np.uint8]:
        with naming(record):
            decoded = images.decode(record.encoded, max_side=feed.max_side)
            return prepare(decoded, feed).batch

    network = openvino.Core().read_model(bundle / IR_NAME)
    depthwise = [
        operation.get_friendly_name()
        for operation in network.get_ordered_ops()
        if operation.get_type_name() == "GroupConvolution"
    ]
    with contextlib.redirect_stdout(sys.stderr):  # its progress
        return nncf.quantize(
            network,
            nncf.Dataset(chosen, batch),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(chosen),
            # Few channels of very different size, and all that follows reads them: in
            # f32 it halves the error of the logits and costs 2% of the time (`voc21`).
            ignored_scope=nncf.IgnoredScope(names=depthwise[:1]),
        )


def _calibration(settings: Int8Settings, chosen: Sequence[ImageRecord]) -> Calibration:
    info = Source(folder=settings.data, split=settings.split).info
    hashes = "\n".join(sorted(record.sha256 for record in chosen))
    return Calibration(
        data=info.dataset,
        data_fingerprint=info.fingerprint,
        split=settings.split,
        photos=len(chosen),
        photos_sha256=hashlib.sha256(hashes.encode()).hexdigest(),
        seed=settings.seed,
        method=METHOD,
        versions=versions_of("nncf", "openvino"),
    )
