"""Where the files of an output are: the only place that spells their names.

What readers see is named by its night. What is ours, and the masks, which rows name,
carry the place of their plan in the sequence, too: nothing of a discarded plan can be
taken for another's.

The table of a replay lies beside that of its night, so that `run_date` is a date for
all readers. Replays of earlier versions, D-replay-1 and so on, have their own folders.
"""

import re
from dataclasses import dataclass

from pipelines import files
from pipelines.chunks.layout import Place

OUTPUT_FOLDERS = ("_runs", "masks", "report", "scores")
"""What `fcn score` writes below its output."""

_NIGHT = "run_date="
_REPLAY = re.compile(r"(.+)\.replay-([0-9]+)")
_OF_A_REPLAY = re.compile(r"(scores|_SUCCESS)-replay-[0-9]+(-.*)?")
_MARK_OF_A_REPLAY = re.compile(r"_SUCCESS-replay-([0-9]+)")


def replay_name(night: str, number: int) -> str:
    """Returns what a replay is called, by its night."""
    return f"{night}.replay-{number}"


def plans_folder(out: str) -> str:
    """Returns the folder of an output's plans."""
    return files.join(out, "_runs", "plans")


def plan_uri(out: str, sequence: int) -> str:
    """Returns the name of a plan."""
    return files.join(plans_folder(out), f"{sequence:08}.json")


@dataclass(frozen=True)
class NightFolder:
    """The public paths of a night, and where its plans have their folders.

    Attributes:
        out: The output.
        run_date: The night, or what its replay is called.
    """

    out: str
    run_date: str

    @property
    def night(self) -> str:
        """The night, and the Hive key of its table."""
        replay = _REPLAY.fullmatch(self.run_date)
        return replay[1] if replay else self.run_date

    @property
    def suffix(self) -> str:
        """What names of a replay's files have that lie beside its night's."""
        replay = _REPLAY.fullmatch(self.run_date)
        return f"-replay-{replay[2]}" if replay else ""

    runs = Place("out", "_runs", _NIGHT + "{0.run_date}")
    """The folder of our own files: a folder a plan."""
    scores = Place("out", "scores", _NIGHT + "{0.night}")
    """The folder of the published table."""
    success = Place("scores", "_SUCCESS{0.suffix}")
    """The mark that the table is whole."""
    report = Place("out", "report", _NIGHT + "{0.run_date}")
    """The folder of the page and the summary."""
    page = Place("report", "index.html")
    """The page."""
    summary = Place("report", "summary.json")
    """The night in numbers."""
    all_masks = Place("out", "masks", _NIGHT + "{0.run_date}")
    """The folder of the masks: a folder a plan."""

    @property
    def cure(self) -> str:
        """What to do where a file of the night is missing or damaged."""
        return f"run fcn check {self.out} --run_date {self.run_date} --mend"

    def published(self) -> list[str]:
        """Returns the files of the published table."""
        return [uri for uri in _parquet_files(self.scores) if self._is_mine(uri)]

    def tables(self) -> list[str]:
        """Returns the files of the rows: those of the published table."""
        return self.published()

    def is_shown(self) -> bool:
        """Returns whether readers see anything of a table."""
        return any(map(self._is_mine, files.list_names(self.scores)))

    def _is_mine(self, uri: str) -> bool:
        """Returns whether a file of the folder is the night's, not another replay's."""
        name = uri.rpartition("/")[2]
        if not self.suffix:
            return not _OF_A_REPLAY.fullmatch(name)
        mine = (f"scores{self.suffix}", f"_SUCCESS{self.suffix}")
        return name in mine or name.startswith(f"{mine[0]}-")

    def sequences(self) -> list[int]:
        """Returns the plans that have a folder of this night."""
        names = files.list_names(self.runs)
        return [int(name) for name in names if re.fullmatch(r"\d{8}", name)]


@dataclass(frozen=True)
class PlanFolder(NightFolder):
    """The paths of a night under one plan.

    Attributes:
        sequence: The plan's place among all plans of the output.
    """

    sequence: int

    run = Place("runs", "{0.sequence:08}")
    """The folder of our own files."""
    pieces = Place("run", "plan")
    """The folder of the planned items."""
    parts = Place("run", "parts")
    """The folder of the parts."""
    merged = Place("run", "table")
    """The folder of the table until it is published."""
    commit = Place("run", "_COMMIT.json")
    """The file that decides whether a night is published or discarded."""
    refusal = Place("run", "_FAILED")
    """The file that says why a night is not published."""
    masks = Place("all_masks", "{0.sequence:08}")
    """The folder of the masks."""
    pruned = Place("run", "_PRUNED.json")
    """The record that a rule has removed the masks."""

    def tables(self) -> list[str]:
        """Returns the files of the rows: the published table, or the parts before."""
        return self.published() or _parquet_files(self.parts)

    def results(self) -> list[str]:
        """Returns the folders that hold what attempts wrote, those that are there."""
        return [place for place in self.places(masks=True) if files.exists(place)]

    def places(self, *, masks: bool) -> list[str]:
        """Returns the folders that attempts write into, that of the masks if wanted."""
        own = [self.pieces, self.parts, self.merged]
        return [*own, self.masks] if masks else own

    def clear(self) -> None:
        """Removes what attempts wrote, all but the verdict; a discard's last step."""
        for place in self.results():
            files.remove_folder(place)
        files.remove(self.refusal)
        files.remove_temporaries(self.run)
        files.remove_temporaries(self.all_masks, below=False)

    def make(self, *, masks: bool, durable: bool = True) -> None:
        """Makes the folders that attempts write into.

        Done once, before the plan is there. No attempt makes them: what a discard has
        removed stays away, however late a writer comes.

        Args:
            masks: Whether there will be masks.
            durable: Whether they are on the disk when the call returns.
        """
        for folder in self.places(masks=masks):
            files.make_folder(folder, durable=durable)


def nights_of(out: str, folder: str) -> list[NightFolder]:
    """Returns the nights that have a folder in one of `OUTPUT_FOLDERS`."""
    names = files.list_names(files.join(out, folder))
    return [
        NightFolder(out, name.removeprefix(_NIGHT))
        for name in names
        if name.startswith(_NIGHT)
    ]


def replays_of(night: NightFolder) -> list[NightFolder]:
    """Returns the replays of a night whose tables lie beside its own."""
    marks = map(_MARK_OF_A_REPLAY.fullmatch, files.list_names(night.scores))
    numbers = sorted(int(mark[1]) for mark in marks if mark)
    names = [replay_name(night.night, number) for number in numbers]
    return [NightFolder(night.out, name) for name in names]


def _parquet_files(folder: str) -> list[str]:
    return [
        files.join(folder, name)
        for name in files.list_names(folder)
        if name.endswith(".parquet")
    ]
