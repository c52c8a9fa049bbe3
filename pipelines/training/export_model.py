"""`fcn export`: a finished run becomes a bundle, and a bundle gets an int8 form."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.find import find_bundle, is_bundle
from fcn_core.bundles.int8_form import MIOU
from pipelines import files
from pipelines.faults import UsageError
from pipelines.quiet_import import import_quietly
from pipelines.training.core import core_errors_as_usage_errors, show_core_log

if TYPE_CHECKING:
    from fcn_core.int8.quantise import Int8Settings
    from pipelines.training.config import ExportConfig


def run(config: "ExportConfig") -> ModelCard:
    """Exports what the command names; returns the card of the bundle.

    Raises:
        UsageError: It cannot be exported, or not in int8.
    """
    output = files.to_path(config.output)
    show_core_log()
    with core_errors_as_usage_errors():
        if config.int8 is None:
            return _export_run(config, output)
        from fcn_core.int8 import quantise as int8

        int8.check_installed()  # before anything takes minutes
        settings = _settings(config)
        if is_bundle(config.model):
            return int8.add_int8(
                find_bundle(config.model),
                output,
                settings,
                name=config.name,
                version=config.model_version,
            )
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "bundle"
            _export_run(config, plain)
            return int8.add_int8(plain, output, settings)


def _export_run(config: "ExportConfig", output: Path) -> ModelCard:
    if is_bundle(config.model):
        raise UsageError(
            f"--model: got {config.model}, which is a bundle already, expected a run "
            "folder of fcn train; add --int8 DATA to give a bundle an int8 form"
        )
    import_quietly("tensorflow")
    from fcn_core.training import publish

    run_dir, version = files.to_path(config.model), config.model_version or "1"
    return publish.export_run(run_dir, output, name=config.name, version=version)


def _settings(config: "ExportConfig") -> "Int8Settings":
    from fcn_core.int8.quantise import Int8Settings

    try:
        data = files.fetch_folder(str(config.int8))
    except FileNotFoundError as error:
        raise UsageError(
            f"--int8: got {config.int8}, where nothing is, expected a finished data "
            "set; check the address"
        ) from error
    return Int8Settings(
        data=Path(data),
        split=config.calibration_split,
        photos=config.calibration_photos,
        seed=config.seed,
        measured_split=config.measured_split,
        measured_photos=config.measured_photos,
    )


def int8_lines(card: ModelCard) -> Iterator[str]:
    """Yields what int8 costs a model, a line a figure; none for a model without it."""
    for each in card.int8.compared if card.int8 else ():
        name = "mIoU" if each.name == MIOU else "rank correlation"
        yield (
            f"int8  {name} {each.f32:.4f} -> {each.int8:.4f} on {each.images} photos "
            f"of {each.data}, {each.split} ({each.instruction_set})"
        )
