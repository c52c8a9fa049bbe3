"""What lanes do: one class a job, built in the child process from plain settings.

Nothing here imports Beam, and nothing heavier than its task needs.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fcn_core.bad_image import BadImage
from fcn_core.model_card import ModelError
from pipelines.lane_messages import Header

if TYPE_CHECKING:
    from fcn_core import scoring

_BEGINNING: Final = 64


def open_models(config: Header) -> "scoring.PhotoScorer":
    """Opens the models of a plan, after checking that they are the planned ones.

    Args:
        config: `models` (name and fingerprint each), `engine`, `precision`,
            `instruction_set`, `max_side`, `masks` (bool), all as the plan froze them.

    Raises:
        ModelError: a model or the arithmetic is another one than planned.
    """
    from fcn_core import scoring

    scorers = [
        scoring.load_scorer(model["name"], config["engine"], config["precision"])
        for model in config["models"]
    ]
    for model, scorer in zip(config["models"], scorers, strict=True):
        _check(f"model {model['name']}", scorer.card.fingerprint, model["fingerprint"])
        _check(
            "this CPU's instruction set",
            scorer.arithmetic.instruction_set,
            config["instruction_set"],
        )
    return scoring.PhotoScorer(
        scorers, max_side=config["max_side"], masks=config["masks"]
    )


class ScorePhotos:
    """The whole middle of one photo: bytes in, a row's values and its mask out.

    Args:
        config: see `open_models`.
    """

    def __init__(self, config: Header):
        self._photos = open_models(config)

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Scores the photo whose encoded bytes are the one blob.

        Raises:
            BadImage: the photo cannot be scored.
        """
        del header
        try:
            score = self._photos.score_photo(blobs[0])
        except (BadImage, ModelError, MemoryError):
            raise
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
            raise BadImage("inference-error", detail, stage="score") from error
        values: dict[str, Any] = dataclasses.asdict(score)
        mask = values.pop("mask_png")
        return values, [] if mask is None else [mask]


class ConvertEntries:
    """Checks one entry of a data set and makes its example.

    Args:
        config: `maker` (see `fcn_core.datasets.makers`) and its `settings`.
    """

    def __init__(self, config: Header):
        from fcn_core import memory
        from fcn_core.datasets import makers

        memory.keep_freed_memory()
        self._maker = makers.open_maker(config["maker"], config["settings"])

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Returns the serialised example of an entry, or `rejected` and why.

        The photo is left out of the example: whoever asks has its bytes already, and
        puts them back in at the place that is told.

        Args:
            header: the `Entry`.
            blobs: the bytes of its files, the photo first.
        """
        from fcn_core.datasets import BadRecord, makers
        from fcn_core.datasets.listing import Entry

        try:
            record = makers.make_record(self._maker, Entry(**header), blobs)
        except BadRecord as bad:
            return {"rejected": bad.row()}, []
        example = record.encode()
        at = _find(record.encoded, example)
        rest = example[:at] + example[at + len(record.encoded) :]
        highest = max(getattr(record, "classes", ()), default=0)
        return {"at": at, "sha256": record.sha256, "highest": highest}, [rest]


class ReadMatConvNet:
    """Parses a `.mat` file of weights into an `.npz`.

    Args:
        config: nothing; the files are in each request.
    """

    def __init__(self, config: Header):
        del config

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Returns what the file says about its network; see `matconvnet.read_mat`.

        Args:
            header: `source` and `target`, local paths.
            blobs: none.
        """
        import numpy as np

        from fcn_core import mat_files

        del blobs
        tensors, about = mat_files.read_mat(Path(header["source"]))
        arrays: dict[str, Any] = dict(tensors)
        np.savez(header["target"], **arrays)
        return about, []


def _find(photo: bytes, example: bytes) -> int:
    """Returns where a photo lies in its example.

    A search for all of it would first study all of it; its beginning is enough to
    find candidates.
    """
    at = example.index(photo[:_BEGINNING])
    while not example.startswith(photo, at):
        at = example.index(photo[:_BEGINNING], at + 1)
    return at


def _check(what: str, got: str, expected: str) -> None:
    if got != expected:
        raise ModelError(
            f"{what} is {got[:16]}, expected {expected[:16]} as in the plan; one night "
            "has one arithmetic: finish it where it began, or discard it"
        )
