"""The models: are their files as they were exported, and does their engine load?"""

from collections.abc import Sequence

from fcn_core import libraries, scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.seal import verify
from pipelines.doctor.finding import Finding
from pipelines.lanes.models import fetched


def check_models(names: Sequence[str]) -> Finding:
    """Checks the hash of each file of some models.

    Args:
        names: Built-in names, folders, or URIs of other stores.
    """
    labels = []
    for name in names:
        try:
            folder = scoring.find_bundle(fetched(name))
            card = ModelCard.read(folder)
            verify(card, folder)
        except ModelError as error:
            detail, _, cure = str(error).rpartition("; ")
            return Finding("wrong", "models", detail or cure, cure)
        labels.append(card.label)
    return Finding("ok", "models", f"{', '.join(labels)}, as exported")


def check_openvino() -> Finding:
    """Checks that the engine of CPUs loads."""
    try:
        openvino = libraries.import_openvino()
    except ImportError as error:
        detail = f"does not load: {' '.join(str(error).split())[:200]}"
        return Finding("wrong", "openvino", detail, "pip install --force openvino")
    devices = ", ".join(openvino.Core().available_devices)
    return Finding("ok", "openvino", f"{openvino.__version__.split('-')[0]}, {devices}")
