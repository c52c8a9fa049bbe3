"""The folder a training run leaves behind, and a model back out of it.

    run.json               config, recipe, model, data fingerprint, versions, outcome;
                           what computed earlier sessions, where it was something else
    history.csv            one line an epoch
    checkpoints/epoch-0003.weights.h5, epoch-0003.optimizer.npz
    final.weights.h5       of the chosen epoch, blended as the recipe says
    training_photos.bin    hashes of the photos that it learns from
    tensorboard/           the same scalars, and masks of a few photos

Only the last optimizer state and the weights that may still be needed are kept.
"""

import csv
import json
import math
from pathlib import Path
from typing import Any, Final, Self

import keras

from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.whole_files import UNFINISHED, whole_file

RUN_NAME: Final = "run.json"
HISTORY_NAME: Final = "history.csv"


class RunError(Exception):
    """A folder is not the run that was expected; the message says what helps."""


class RunFolder:
    """A run's records and checkpoints.

    Attributes:
        folder: Where it lies.
        record: The content of `run.json`.
    """

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder = folder
        self.record = record

    @classmethod
    def create(cls, folder: Path, settings: dict[str, Any]) -> Self:
        """Starts a run; `check_free` tells beforehand whether it may."""
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder, {"settings": settings, "epochs_done": 0, "seconds": 0.0})
        run.note()  # first of all: a folder without it is not known as a run
        (folder / "checkpoints").mkdir(exist_ok=True)
        return run

    @staticmethod
    def check_free(folder: Path, *, started: bool = False) -> None:
        """Checks that a new run may start in a folder.

        Args:
            folder: New or empty.
            started: A run that ended before its first checkpoint may be there.

        Raises:
            RunError: The folder holds something else.
        """
        if started and (folder / RUN_NAME).is_file():
            return
        if folder.exists() and (not folder.is_dir() or _others_in(folder)):
            raise RunError(
                f"{folder} is not empty, expected a new folder for this run; choose "
                "another one, or pass --resume to go on with the run in it"
            )

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens a run.

        Raises:
            RunError: There is none.
        """
        path = folder / RUN_NAME
        if not path.is_file():
            raise RunError(
                f"{folder}: got a folder without {RUN_NAME}, expected the output of "
                "`fcn train`"
            )
        return cls(folder, json.loads(path.read_text()))

    def require(self, settings: dict[str, Any]) -> None:
        """Checks that a resumed run has the same settings.

        Raises:
            RunError: One differs; names it.
        """
        mine, asked = _flat(self.record["settings"]), _flat(settings)
        for name in sorted(mine.keys() | asked.keys()):
            if mine.get(name) != asked.get(name):
                raise RunError(
                    f"{self.folder} was started with {name} {mine.get(name)!r}, got "
                    f"{asked.get(name)!r}; resume with the same, or choose another "
                    "output"
                )

    @property
    def epochs_done(self) -> int:
        """The last epoch whose state is complete."""
        return int(self.record["epochs_done"])

    def note(self, **values: Any) -> None:
        """Adds to `run.json`, atomically."""
        self.record.update(values)
        with whole_file(self.folder / RUN_NAME) as new:
            new.write_text(json.dumps(self.record, indent=2) + "\n")

    def note_session(self, *, versions: dict[str, str], device: str) -> None:
        """Notes what computes from here on, and keeps what did before if it differs."""
        session = {"versions": versions, "device": device}
        before = {name: self.record.get(name) for name in session}
        former = self.record.get("former_sessions", [])
        if before["versions"] is not None and before != session:
            former = [*former, {"until_epoch": self.epochs_done, **before}]
        self.note(**session, former_sessions=former)

    def save_weights(self, model: keras.Model, path: Path) -> None:
        """Writes weights atomically: a killed run leaves all of a file or nothing."""
        with whole_file(path) as new:
            model.save_weights(new, overwrite=True)

    def require_checkpoint(self) -> None:
        """Checks that the last finished epoch can be gone on from.

        Raises:
            RunError: A file of its state is gone; names it.
        """
        last = self.epochs_done
        states = [self.optimizer_path(last)] if last else []
        for path in (self.weights_path(0), self.weights_path(last), *states):
            if not path.is_file():
                raise RunError(
                    f"{path}: got no such file, expected the state after epoch {last} "
                    f"of a run that says it finished {last}; put the file back, or "
                    "start again in a new --output"
                )

    def weights_path(self, epoch: int) -> Path:
        """Where the weights after an epoch lie (0: before the first)."""
        return self.folder / "checkpoints" / f"epoch-{epoch:04d}.weights.h5"

    def optimizer_path(self, epoch: int) -> Path:
        """Where the optimizers' state after an epoch lies."""
        return self.folder / "checkpoints" / f"epoch-{epoch:04d}.optimizer.npz"

    @property
    def final_path(self) -> Path:
        """Where the weights of a finished run lie."""
        return self.folder / "final.weights.h5"

    def prune(self, *, keep: set[int]) -> None:
        """Deletes weights of other epochs, and all optimizer states but the last."""
        names = {self.weights_path(epoch).name for epoch in keep}
        for path in (self.folder / "checkpoints").glob("epoch-*.weights.h5"):
            if path.name not in names:
                path.unlink()
        for path in (self.folder / "checkpoints").glob("epoch-*.optimizer.npz"):
            if path != self.optimizer_path(self.epochs_done):
                path.unlink()

    def history(self) -> list[dict[str, float]]:
        """Returns the lines of `history.csv`, of finished epochs only.

        A run killed between an epoch's line and its note is to repeat the epoch.
        """
        path = self.folder / HISTORY_NAME
        if not path.exists():
            return []
        with path.open(newline="") as file:
            rows = [
                {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file)
            ]
        return [row for row in rows if row["epoch"] <= self.epochs_done]

    def add_to_history(self, row: dict[str, float]) -> None:
        """Adds an epoch's line, atomically; one that was interrupted is replaced."""
        earlier = [old for old in self.history() if old["epoch"] < row["epoch"]]
        columns = list(dict.fromkeys(name for old in [*earlier, row] for name in old))
        with (
            whole_file(self.folder / HISTORY_NAME) as new,
            new.open("w", newline="") as file,
        ):
            writer = csv.DictWriter(file, fieldnames=columns, restval=math.nan)
            writer.writeheader()
            writer.writerows([*earlier, row])

    def best_epoch(self, column: str, *, first: int = 1) -> int:
        """The epoch with the highest value in a column of the history.

        Without such a column (nothing was held out to choose with) it is the last.

        Args:
            column: Name of a score.
            first: The earliest epoch that may be chosen.
        """
        judged = [
            row
            for row in self.history()
            if row["epoch"] >= first and not math.isnan(row.get(column, math.nan))
        ]
        if not judged:
            return self.epochs_done
        return int(max(judged, key=lambda row: row[column])["epoch"])


def _others_in(folder: Path) -> bool:
    """Whether a folder holds more than what a kill left of a file."""
    return any(not path.name.startswith(UNFINISHED) for path in folder.iterdir())


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names and values side by side, so that one number can be named."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def load_run(folder: Path) -> tuple[keras.Model, ModelSpec, dict[str, Any]]:
    """Rebuilds the chosen model of a finished run.

    Returns:
        The model, what it is, and the content of `run.json`.

    Raises:
        RunError: There is no run, or it is not finished.
    """
    run = RunFolder.open(folder)
    if "chosen_epoch" not in run.record:
        raise RunError(
            f"{folder}: the run stopped after epoch {run.epochs_done}, expected a "
            "finished one; go on with `fcn train ... --resume`"
        )
    spec = ModelSpec.from_json(run.record["settings"]["model"])
    model = build(spec)
    model.load_weights(run.final_path)
    return model, spec, run.record
