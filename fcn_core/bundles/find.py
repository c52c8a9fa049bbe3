"""Where bundles are: the built-in ones by name, all others by path."""

import contextlib
from pathlib import Path
from typing import Final

from fcn_core.bundles.card import CARD_NAME, ModelCard, ModelError
from fcn_core.nearest import did_you_mean

BUILT_IN: Final = Path(__file__).parent.parent / "built_in"


def built_in_names() -> list[str]:
    """Returns the names of the models that come with the package."""
    return sorted(path.parent.name for path in BUILT_IN.glob(f"*/{CARD_NAME}"))


def find_bundle(name_or_path: str) -> Path:
    """Returns the folder of a built-in or an exported model.

    Raises:
        ModelError: It is neither; the message names the nearest built-in model.
    """
    names = built_in_names()
    if name_or_path in names:
        return BUILT_IN / name_or_path
    folder = Path(name_or_path)
    with contextlib.suppress(RuntimeError):  # nobody's home: it is a plain name then
        folder = folder.expanduser()
    if (folder / CARD_NAME).is_file():
        return folder
    if folder.is_dir():
        raise ModelError(
            f"{name_or_path} is a folder without {CARD_NAME}, expected one written by"
            " `fcn export`; give that folder"
        )
    built_in = f"built in are {', '.join(names)}"
    cure = did_you_mean(name_or_path, names, otherwise=built_in, cutoff=0.4)
    raise ModelError(
        f"there is no model {name_or_path!r}, expected a built-in name or an exported"
        f" folder; {cure}"
    )


def check_free(folder: Path) -> None:
    """Refuses a folder that a bundle cannot be written to.

    Raises:
        ModelError: It exists and is not an empty folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(
            f"{folder} exists and is not empty, expected a new folder; choose another"
            " one or remove it"
        )


def is_bundle(name: str) -> bool:
    """Returns whether a name is a built-in model or a bundle's folder."""
    try:
        find_bundle(name)
    except ModelError:
        return False
    return True


def card_of(name: str) -> ModelCard:
    """Returns the card of a built-in model or a bundle's folder.

    Raises:
        ModelError: There is no such bundle.
    """
    return ModelCard.read(find_bundle(name))


def classes_of(name: str) -> list[str] | None:
    """Returns the names of a bundle's classes; None for ratings."""
    classes = card_of(name).classes
    return None if classes is None else list(classes)
