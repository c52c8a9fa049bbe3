"""`fcn models import`: networks that others trained become bundles or initial weights.

A `.mat` file is parsed in a lane: a broken file can crash its parser, which is native
code; here that is an error of one line.
"""

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fcn_core.whole_files import whole_file
from pipelines.faults import SystemicFault, UsageError
from pipelines.lanes.messages import Header, Request
from pipelines.lanes.pool import LanePool
from pipelines.lanes.settings import LaneLimits, LaneSettings
from pipelines.quiet_import import import_quietly
from pipelines.training.core import core_errors_as_usage_errors, show_core_log

if TYPE_CHECKING:
    from fcn_core.models.imported.layouts import TrainedNetwork
    from pipelines.training.config import ModelsImportConfig

Outcome = dict[str, str | int]
"""What was imported and where it is, as the command prints it."""

_LIMITS: Final = LaneLimits(
    cpu_seconds=600, memory_bytes=8 << 30, recycle_bytes=1 << 40, silence_seconds=900
)
"""A VGG16 has half a gigabyte of weights, compressed in the file."""


def run(config: "ModelsImportConfig") -> Outcome:
    """Imports a file as the command asks; returns what it is.

    Raises:
        UsageError: The file holds no network that can be imported.
    """
    path = Path(config.file)
    if not path.is_file():
        raise UsageError(
            f"fcn models import: got {config.file}, expected a .mat, .h5, .hdf5, "
            ".tflite or .npz file; check the path"
        )
    show_core_log()
    import_quietly("tensorflow")
    with core_errors_as_usage_errors():
        if config.backbone is not None:
            return _import_backbone(config, path)
        return _import_network(config, path)


def _import_network(config: "ModelsImportConfig", path: Path) -> Outcome:
    """Writes a bundle, or the weights alone."""
    from fcn_core.training import publish

    trained = _read(path)
    outcome: Outcome = {
        "layout": trained.layout,
        "model": f"{trained.spec.name} on {trained.spec.backbone}",
        "tensors": len(trained.tensors),
    }
    output = Path(config.output)
    if output.suffix == ".npz":
        trained.build(path.name)  # proves that the tensors are exactly the network's
        _write_archive(output, dict(trained.tensors))
        return outcome | {"path": str(output.resolve())}
    card = publish.export_trained(
        trained,
        output,
        source=path.name,
        name=config.name or _name_of(path),
        version=config.model_version,
        max_side=config.max_side,
        technical=config.technical,
    )
    return outcome | {
        "label": card.label,
        "fingerprint": card.fingerprint[:16],
        "path": str(output.resolve()),
    }


def _import_backbone(config: "ModelsImportConfig", path: Path) -> Outcome:
    """Writes the weights of a `keras.applications` file under our names."""
    from fcn_core.models.backbones.rows import BACKBONES
    from fcn_core.models.spec import ModelSpec
    from fcn_core.models.weights.files import application_tensors

    if config.backbone not in BACKBONES:
        raise UsageError(
            f"--backbone: got {config.backbone}, expected one of {', '.join(BACKBONES)}"
        )
    output = Path(config.output)
    if output.suffix != ".npz":
        raise UsageError(
            f"--output: got {config.output}, expected a name ending in .npz: a "
            "backbone has no head to score with; train one with fcn train --init"
        )
    spec = ModelSpec(name="fcn32s", backbone=config.backbone)
    tensors = application_tensors(spec, str(path))
    _write_archive(output, tensors)
    return {
        "layout": "keras.applications",
        "model": config.backbone,
        "tensors": len(tensors),
        "path": str(output.resolve()),
    }


def _read(path: Path) -> "TrainedNetwork":
    from fcn_core.models.imported.layouts import read_trained
    from fcn_core.models.imported.matconvnet import from_parameters

    if path.suffix != ".mat":
        return read_trained(path)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "tensors.npz"
        about = _parse_mat(path, archive)
        with np.load(archive, allow_pickle=False) as arrays:
            return from_parameters({name: arrays[name] for name in arrays.files}, about)


def _parse_mat(path: Path, archive: Path) -> Header:
    """Lets a lane write the tensors of a `.mat` file; returns what the file says."""
    settings = LaneSettings(
        task="pipelines.training.lane:ReadMatConvNet",
        config={},
        lanes=1,
        limits=_LIMITS,
    )
    header = {"source": str(path.resolve()), "target": str(archive)}
    pool = LanePool(settings)
    try:
        ((_, answer),) = pool.answer([(path, Request(header, [], name=str(path)))])
    except SystemicFault as fault:
        raise UsageError(f"{path}: {fault}; check the file") from fault
    finally:
        pool.close()
    if answer.bad is not None:
        raise UsageError(f"{path}: not readable as a .mat file ({answer.bad})")
    return answer.reply


def _write_archive(path: Path, arrays: dict[str, Any]) -> None:
    if path.exists():
        raise UsageError(f"--output: {path} exists, expected a new file; remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as new:
        np.savez(new, **arrays)


def _name_of(path: Path) -> str:
    """A model's name from a file's: the characters that names may have."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.")[:64] or "imported"
