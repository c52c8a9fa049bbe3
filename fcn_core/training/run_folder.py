"""The folder a training run leaves behind, and a model back out of it.

    run.json               config, recipe, model, data fingerprint, versions, outcome;
                           what computed earlier sessions, where it was something else
    history.csv            a line an epoch
    checkpoints/epoch-0003.weights.h5, epoch-0003.optimizer.npz
    final.weights.h5       of the chosen epoch, blended as the recipe says
    training_photos.bin    hashes of the photos that it learns from
    tensorboard/           the same scalars, and masks of a few photos

Only the last optimizer state and the weights that may still be needed are kept. No
other module spells these names.
"""

import csv
import math
from pathlib import Path
from typing import Any, Final, Self

import keras

from fcn_core.bundles import photo_list
from fcn_core.bundles.photo_list import Photos
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.training.run_record import FormerSession, RunRecord, RunSettings
from fcn_core.whole_files import UNFINISHED, whole_file

RECORD_NAME: Final = "run.json"


class RunError(Exception):
    """A folder is not the run that was expected; the message says what helps."""


class RunFolder:
    """A run's records and checkpoints.

    Attributes:
        folder: Where it lies.
        record: The content of `run.json`.
    """

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.record = record

    @classmethod
    def create(cls, folder: Path, record: RunRecord) -> Self:
        """Starts a run; `check_free` says beforehand whether it may."""
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder, record)
        # First of all: a folder without a record is not known as a run.
        run.note(epochs_done=0, seconds=0.0)
        run._checkpoints.mkdir(exist_ok=True)
        return run

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens a run.

        Raises:
            RunError: There is none.
        """
        path = folder / RECORD_NAME
        if not cls.is_in(folder):
            raise RunError(
                f"{folder}: got a folder without {RECORD_NAME}, expected the output of "
                "`fcn train`"
            )
        try:
            return cls(folder, RunRecord.from_json(path.read_text("utf-8")))
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise RunError(
                f"{path}: got no record of a run ({reason}), expected what `fcn train` "
                "wrote; copy the folder again"
            ) from error

    @classmethod
    def resume(cls, folder: Path, settings: RunSettings) -> Self | None:
        """Opens a run to go on with; None where it ended before its first checkpoint.

        Raises:
            RunError: It was started with other settings, or a file of its state is
                gone.
        """
        if not cls.is_in(folder):
            return None
        run = cls.open(folder)
        run.require(settings)
        if not run.epochs_done and not run.weights_path(0).is_file():
            return None
        run.require_checkpoint()
        return run

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Returns whether a folder holds a run, finished or not."""
        return (folder / RECORD_NAME).is_file()

    @classmethod
    def check_free(cls, folder: Path, *, started: bool = False) -> None:
        """Checks that a new run may start in a folder.

        Args:
            folder: New or empty.
            started: A run that ended before its first checkpoint may be there.

        Raises:
            RunError: The folder holds something else.
        """
        if started and cls.is_in(folder):
            return
        if folder.exists() and (not folder.is_dir() or _others_in(folder)):
            raise RunError(
                f"{folder} is not empty, expected a new folder for this run; choose "
                "another one, or pass --resume to go on with the run in it"
            )

    def require(self, settings: RunSettings) -> None:
        """Checks that a resumed run has the same settings.

        Raises:
            RunError: One differs; names it.
        """
        for name, (mine, asked) in self.record.settings.differences(settings).items():
            raise RunError(
                f"{self.folder} was started with {name} {mine!r}, got {asked!r}; "
                "resume with the same, or choose another output"
            )

    @property
    def epochs_done(self) -> int:
        """The last epoch whose state is complete."""
        return self.record.epochs_done

    def note(self, **values: Any) -> None:
        """Sets attributes of the record and writes it, atomically."""
        self.record = self.record.noted(values)
        with whole_file(self.folder / RECORD_NAME) as new:
            new.write_text(self.record.to_json(), "utf-8")

    def note_session(self, *, versions: dict[str, str], device: str) -> None:
        """Notes what computes from here on, and keeps what did before if it differs."""
        before, former = self.record, self.record.former_sessions
        if before.versions and (before.versions, before.device) != (versions, device):
            last = FormerSession(
                until_epoch=before.epochs_done,
                versions=before.versions,
                device=before.device,
            )
            former = [*former, last]
        self.note(versions=versions, device=device, former_sessions=former)

    def save_photos(self, photos: Photos) -> None:
        """Writes the list of the photos that the run learns from."""
        with whole_file(self.folder / photo_list.PHOTOS_NAME) as new:
            new.write_bytes(photo_list.encode(photos))

    def photos(self) -> Photos | None:
        """Returns the list of the photos that the run learns from, if it is there.

        Raises:
            ModelError: It is damaged.
        """
        return photo_list.read(self.folder)

    def save_weights(self, model: keras.Model, path: Path) -> None:
        """Writes weights atomically: a killed run leaves all of a file or nothing."""
        with whole_file(path) as new:
            model.save_weights(new, overwrite=True)

    def require_checkpoint(self) -> None:
        """Checks that training can resume from the last finished epoch.

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

    @property
    def _checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def weights_path(self, epoch: int) -> Path:
        """Returns where the weights after an epoch lie (0: before the first)."""
        return self._checkpoints / f"epoch-{epoch:04d}.weights.h5"

    def optimizer_path(self, epoch: int) -> Path:
        """Returns where the optimizers' state after an epoch lies."""
        return self._checkpoints / f"epoch-{epoch:04d}.optimizer.npz"

    @property
    def final_path(self) -> Path:
        """Where the weights of a finished run lie."""
        return self.folder / "final.weights.h5"

    @property
    def history_path(self) -> Path:
        """Where the lines of the epochs lie."""
        return self.folder / "history.csv"

    @property
    def events(self) -> Path:
        """The folder of TensorBoard's files."""
        return self.folder / "tensorboard"

    def prune(self, *, keep: set[int]) -> None:
        """Deletes weights of other epochs, and all optimizer states but the last."""
        kept = {self.weights_path(epoch) for epoch in keep}
        kept.add(self.optimizer_path(self.epochs_done))
        for kind in ("weights.h5", "optimizer.npz"):
            for path in self._checkpoints.glob(f"epoch-*.{kind}"):
                if path not in kept:
                    path.unlink()

    def history(self) -> list[dict[str, float]]:
        """Returns the lines of the finished epochs.

        A run killed between an epoch's line and its note is to repeat the epoch.
        """
        if not self.history_path.exists():
            return []
        with self.history_path.open(newline="") as file:
            rows = [
                {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(file)
            ]
        return [row for row in rows if row["epoch"] <= self.epochs_done]

    def add_to_history(self, row: dict[str, float]) -> None:
        """Adds an epoch's line, atomically; an interrupted epoch's is replaced."""
        earlier = [old for old in self.history() if old["epoch"] < row["epoch"]]
        columns = list(dict.fromkeys(name for old in [*earlier, row] for name in old))
        with whole_file(self.history_path) as new, new.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=columns, restval=math.nan)
            writer.writeheader()
            writer.writerows([*earlier, row])

    def best_epoch(self, column: str, *, first: int = 1) -> int:
        """Returns the epoch with the highest value in a column of the history.

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
    """Returns whether a folder holds more than unfinished files of a killed run."""
    return any(not path.name.startswith(UNFINISHED) for path in folder.iterdir())


def load_run(folder: Path) -> tuple[keras.Model, ModelSpec, RunRecord]:
    """Rebuilds the chosen model of a finished run.

    Returns:
        The model, what it is, and the content of `run.json`.

    Raises:
        RunError: There is no run, or it is not finished.
    """
    run = RunFolder.open(folder)
    if run.record.chosen_epoch is None:
        raise RunError(
            f"{folder}: the run stopped after epoch {run.epochs_done}, expected a "
            "finished one; go on with `fcn train ... --resume`"
        )
    spec = run.record.settings.spec
    model = build(spec)
    model.load_weights(run.final_path)
    return model, spec, run.record
