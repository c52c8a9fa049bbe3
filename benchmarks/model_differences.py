"""How a rebuilt bundle differs from another: network, tensors, figures."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fcn_core.bundles.card import ModelCard
from fcn_core.export import reopen
from fcn_core.models.weights.assign import tensors_of
from fcn_core.scoring import find_bundle


def differences(rebuilt: Path, shipped: str) -> Iterator[str]:
    """Yields a line for each thing that was compared.

    Args:
        rebuilt: Folder of a bundle.
        shipped: Name of a built-in model, or the folder of a bundle.

    Raises:
        ModelError: A bundle is missing or damaged.
    """
    ours, theirs = ModelCard.read(rebuilt), ModelCard.read(find_bundle(shipped))
    if ours.network == theirs.network:
        yield f"network: equal, {ours.network[:16]}"
    else:
        yield f"network: {ours.network[:16]}, shipped {theirs.network[:16]}"
        yield tensors(rebuilt, shipped)
    yield from figures(ours, theirs)
    if ours.int8 and theirs.int8:
        one, other = (card.int8.network[:16] for card in (ours, theirs) if card.int8)
        yield f"int8: equal, {one}" if one == other else f"int8: {one}, shipped {other}"
    for field in ("max_side", "enlarge", "origin", "licence", "notes"):
        one, other = getattr(ours, field), getattr(theirs, field)
        if one != other:
            yield f"{field}: {one!r}, shipped {other!r}"


def tensors(rebuilt: Path, shipped: str) -> str:
    """Returns how many tensors differ, and which differs most."""
    ours = tensors_of(reopen.load_bundle(str(rebuilt)))
    theirs = tensors_of(reopen.load_bundle(shipped))
    if {n: t.shape for n, t in ours.items()} != {n: t.shape for n, t in theirs.items()}:
        return "tensors: other names or shapes: another network"
    distances = {name: float(np.abs(ours[name] - theirs[name]).max()) for name in ours}
    differing = [name for name, distance in distances.items() if distance > 0]
    if not differing:
        return f"tensors: all {len(ours)} equal"
    most = max(differing, key=lambda name: distances[name])
    reach = float(np.abs(theirs[most]).max())
    return (
        f"tensors: {len(differing)} of {len(ours)} differ, at most by "
        f"{distances[most]:.3g} ({most}, which reaches {reach:.3g})"
    )


def figures(ours: ModelCard, theirs: ModelCard) -> Iterator[str]:
    """Yields each figure that differs; a single line where none does."""
    found = {(m.name, m.split, m.data): m.value for m in ours.metrics}
    wanted = {(m.name, m.split, m.data): m.value for m in theirs.metrics}
    if found == wanted:
        yield f"figures: all {len(found)} equal"
        return
    for key in sorted(found.keys() | wanted.keys()):
        one, other = found.get(key), wanted.get(key)
        if one != other:
            name, split, data = key
            yield f"{name} on {split} of {data}: {_shown(one)}, shipped {_shown(other)}"


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
