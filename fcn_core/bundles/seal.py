"""What ties a card to the files of its bundle: their hashes."""

from collections.abc import Iterator
from pathlib import Path

from fcn_core.bundles.card import CARD_NAME, ModelCard, ModelError
from fcn_core.whole_files import sha256_of_file


def seal(card: ModelCard, folder: Path, *, network: str = "") -> ModelCard:
    """Returns a card for the files in a folder, with its fingerprint.

    Args:
        card: Everything but files, network and fingerprint.
        folder: A complete bundle, with or without a card.
        network: sha256 of what the network computes, where the exporter knows it.

    Returns:
        A copy with `files`, `network` and `fingerprint` set, that of an int8 form too.
    """
    files = {
        path.relative_to(folder).as_posix(): sha256_of_file(path)
        for path in _bundle_files(folder)
    }
    card = card.model_copy(update={"files": files, "network": network})
    updates: dict[str, object] = {"fingerprint": card.computed_fingerprint()}
    if card.int8 is not None:
        fingerprint = card.computed_int8_fingerprint()
        updates["int8"] = card.int8.model_copy(update={"fingerprint": fingerprint})
    return card.model_copy(update=updates)


def verify(card: ModelCard, folder: Path, *names: str) -> None:
    """Checks the sha256 of every file that a card lists, or of some.

    Args:
        card: Of the bundle.
        folder: The bundle.
        *names: Of the files to check; all if there are none.

    Raises:
        ModelError: A file is missing or has other bytes than at export.
    """
    for name in names or card.files:
        digest = card.files[name]
        try:
            found = sha256_of_file(folder / name)
        except (FileNotFoundError, IsADirectoryError):
            raise ModelError(
                f"{folder} lacks {name}, which its card lists; copy the whole folder"
                " again"
            ) from None
        if found != digest:
            raise ModelError(
                f"{name} in {folder} has sha256 {found[:12]}..., expected"
                f" {digest[:12]}... as in its card; copy the whole folder again"
            )


def _bundle_files(folder: Path) -> Iterator[Path]:
    """Yields the files of a bundle but its card, sorted by their path."""
    for path in sorted(folder.rglob("*")):
        hidden = any(
            part.startswith((".", "__")) for part in path.relative_to(folder).parts
        )
        if path.is_file() and path.name != CARD_NAME and not hidden:
            yield path
