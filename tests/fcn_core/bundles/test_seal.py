"""A card knows its bundle's files: other bytes are noticed."""

from pathlib import Path

import pytest

from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.seal import seal, verify


def test_without_network_the_files_are_the_fingerprint(bundle: Path) -> None:
    before = ModelCard.read(bundle)
    (bundle / "saved_model.pb").write_bytes(b"other graph")
    assert seal(before, bundle).fingerprint != before.fingerprint


def test_verify_notices_damage(bundle: Path) -> None:
    card = ModelCard.read(bundle)
    graph = bundle / "saved_model.pb"
    graph.write_bytes(b"grapH")
    with pytest.raises(ModelError, match=r"saved_model\.pb .* copy the whole folder"):
        verify(card, bundle)
    graph.unlink()
    with pytest.raises(ModelError, match=r"lacks saved_model\.pb"):
        verify(card, bundle)
