"""A bundle -> the same bundle with an int8 form: calibrated, and compared with f32.

NNCF chooses ranges for the numbers between layers by looking at photos; it is needed
here only, what it makes is an OpenVINO network. Photos are fed as scoring feeds them.
"""

import contextlib
import hashlib
import heapq
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from fcn_core import images, libraries
from fcn_core.bundles.card import Label, ModelCard, ModelError
from fcn_core.bundles.find import check_free
from fcn_core.bundles.int8_form import Calibration
from fcn_core.bundles.seal import verify
from fcn_core.int8 import figures
from fcn_core.int8.kept_layers import Kept, Ratings, keep_layers, layers_of, mixing_of
from fcn_core.int8.network import attach, copy_bundle, write_form
from fcn_core.labels import RATING_TASKS
from fcn_core.records.record import ImageRecord
from fcn_core.records.source import Source, naming
from fcn_core.scoring.engines import IR_NAME
from fcn_core.scoring.feed import Fed, feed_of, prepare
from fcn_core.versions import versions_of
from fcn_core.whole_files import whole_folder

METHOD: Final = "nncf.quantize, preset mixed, the first depthwise layer in f32"
METHOD_OF_RATINGS: Final = (
    "nncf.quantize, preset mixed, the first layers in f32, as many as ranks need"
)

MOST_CHOOSERS: Final = 200
"""Photos that choose how much stays in f32."""


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
    photos = _Photos.of(settings, rates=card.task in RATING_TASKS)
    measured = _measured(settings, photos)
    figures.check_source(card, measured.source)
    named = {"name": name or card.name, "version": version or card.version}
    with whole_folder(output) as new:
        copy_bundle(bundle, new)
        ModelCard.read(new).model_copy(update=named).write(new)
        kept = _quantised(bundle, card, photos)
        form = attach(new, kept.network, _calibration(settings, photos, kept)).int8
        if form is None:
            raise RuntimeError("attach: got no int8 form in the card it wrote")
        compared = figures.compare(new, measured)
        form = form.model_copy(update={"compared": compared})
        return write_form(new, form)


@dataclass(frozen=True)
class _Photos:
    """Photos by what they do: to calibrate, and to choose how much stays in f32."""

    calibrate: Sequence[ImageRecord]
    choose: Sequence[ImageRecord] = ()

    @classmethod
    def of(cls, settings: Int8Settings, *, rates: bool) -> Self:
        """Chooses both; masks need the first only."""
        if not rates:
            return cls(choose(settings))
        source = Source(folder=settings.data, split=settings.split)
        others = max(0, source.count() - settings.photos)
        if _measured_split(settings) == settings.split:
            others //= 2  # the rest is to measure on
        most = settings.photos + min(others, MOST_CHOOSERS)
        both = choose(replace(settings, photos=most))
        return cls(both[: settings.photos], both[settings.photos :])


def choose(settings: Int8Settings) -> list[ImageRecord]:
    """Returns the photos to calibrate with, whatever the order of the shards.

    Raises:
        DatasetError: The data set is not finished, or has no such split.
    """
    source = Source(folder=settings.data, split=settings.split)

    def key(record: ImageRecord) -> bytes:
        return hashlib.sha256(f"{settings.seed} {record.sha256}".encode()).digest()

    return heapq.nsmallest(settings.photos, source.records(), key=key)


def _measured_split(settings: Int8Settings) -> str:
    splits = Source(folder=settings.data, split=settings.split).info.splits
    return settings.measured_split or ("val" if "val" in splits else settings.split)


def _measured(settings: Int8Settings, photos: _Photos) -> figures.Measured:
    """Returns the photos to compare on, none of those that had a say."""
    used = (*photos.calibrate, *photos.choose)
    return figures.Measured(
        Source(folder=settings.data, split=_measured_split(settings)),
        without=frozenset(record.sha256 for record in used),
        most=settings.measured_photos,
    )


def _quantised(bundle: Path, card: ModelCard, photos: _Photos) -> Kept:
    """Returns the network of a bundle in int8, as OpenVINO's model."""
    openvino = libraries.import_openvino()
    feed = feed_of(card)

    def fed(record: ImageRecord) -> Fed:
        with naming(record):
            return prepare(images.decode(record.encoded, max_side=feed.max_side), feed)

    def quantise(in_f32: Sequence[str]) -> Any:
        return _by_nncf(
            openvino.Core().read_model(bundle / IR_NAME),
            photos.calibrate,
            batch=lambda record: fed(record).batch,
            in_f32=in_f32,
        )

    network = openvino.Core().read_model(bundle / IR_NAME)
    if len(photos.choose) >= figures.LEAST:
        chosen_by = Ratings(card, [fed(record) for record in photos.choose])
        return keep_layers(network, quantise, chosen_by)
    # Few channels of very different size, and all that follows reads them: in f32 it
    # halves the error of the logits and costs 2% of the time (`voc21`).
    first = tuple(layers_of(network, ["GroupConvolution"])[:1])
    return Kept(quantise(first), first)


def _by_nncf(
    network: Any,
    photos: Sequence[ImageRecord],
    *,
    batch: Callable[[ImageRecord], NDArray[np.uint8]],
    in_f32: Sequence[str],
) -> Any:
    nncf = libraries.import_nncf()
    with contextlib.redirect_stdout(sys.stderr):  # its progress
        return nncf.quantize(
            network,
            nncf.Dataset(photos, batch),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(photos),
            ignored_scope=nncf.IgnoredScope(
                names=[*in_f32, *mixing_of(network)], validate=False
            ),
        )


def _calibration(settings: Int8Settings, photos: _Photos, kept: Kept) -> Calibration:
    info = Source(folder=settings.data, split=settings.split).info
    hashes = "\n".join(sorted(record.sha256 for record in photos.calibrate))
    return Calibration(
        data=info.dataset,
        data_fingerprint=info.fingerprint,
        split=settings.split,
        photos=len(photos.calibrate),
        photos_sha256=hashlib.sha256(hashes.encode()).hexdigest(),
        seed=settings.seed,
        method=METHOD if kept.agreement is None else METHOD_OF_RATINGS,
        in_f32=list(kept.layers),
        chosen_on=0 if kept.agreement is None else len(photos.choose),
        agreement=kept.agreement,
        versions=versions_of("nncf", "openvino"),
    )
