"""A year of nights: what the script does to photos and machine, and what must follow.

An oracle beside the code keeps which (photo, version) each call may see; at the end
every one of them has one ok row under each fingerprint that was in force.
"""

import datetime
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines import files
from pipelines.cli import main
from tests.doubles.stub_scoring import Machine, photo
from tests.runs import score_runs
from tests.runs.nightly_runs import Bench, Day, clock

TIMEZONE = "Europe/Berlin"
LOOK_BACK = 3
FIRST_MODEL = ["voc21", "aesthetics"]
SECOND_MODEL = ["voc21", "aesthetics", "quality"]

Key = tuple[str, str]
"""A photo's URI and version."""


@dataclass(frozen=True)
class Script:
    """On which day of the year what happens, by its number.

    Attributes:
        days: How many there are.
        empty: Nothing is photographed.
        late: A photo of two days before comes in.
        too_late: One of four days before the night comes in: nobody sees it.
        replaced: A photo of the day before is replaced by another one.
        asleep: The scheduler does not call.
        dead: The machine dies in the middle of the night.
        drift: The machine rates everything far too high; a person accepts that.
        wrong_library: A canary comes to something else; mended by the next call.
        flood: Twenty times as many photos come; a person accepts that.
        rotten: No photo can be decoded; a person discards the night.
        new_model: From this day on another model is added.
        twice: Two calls at once.
    """

    days: int
    empty: Sequence[int] = ()
    late: Sequence[int] = ()
    too_late: Sequence[int] = ()
    replaced: Sequence[int] = ()
    asleep: Sequence[int] = ()
    dead: Sequence[int] = ()
    drift: Sequence[int] = ()
    wrong_library: Sequence[int] = ()
    flood: Sequence[int] = ()
    rotten: Sequence[int] = ()
    new_model: int = 10**6
    twice: Sequence[int] = ()


@dataclass
class Year:
    """A script under way.

    Attributes:
        bench: Configuration, photos, output.
        machine: What scores.
        first: The first day.
        photos_a_day: How many, about.
        seen: Fingerprint's name -> what must have an ok row under it.
        alarms: Night, verdict and the gate, of every call that did not end well.
        expected: Those of the script.
        recovered: Nights that ended well after one that did not.
        sizes: Day -> photos scored and bytes in the output, after some nights.
    """

    bench: Bench
    machine: Machine
    script: Script
    first: Day
    photos_a_day: int = 24
    seen: dict[str, set[Key]] = field(default_factory=dict)
    alarms: list[tuple[str, str, str]] = field(default_factory=list)
    expected: list[tuple[str, str, str]] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    _random: random.Random = field(default_factory=lambda: random.Random(1))
    _number: int = 0

    def run(self) -> None:
        """Runs all days."""
        for number in range(self.script.days):
            self._photograph(number)
            if number not in self.script.asleep:
                with clock(self._day(number + 1), 2.5, TIMEZONE):
                    self._night(number)
                if number % 30 == 1 or number == self.script.days - 1:
                    scored = len(self.machine.scored)
                    self.sizes[number] = (scored, self._own_bytes())

    def _day(self, number: int) -> Day:
        return self.first + datetime.timedelta(days=number)

    def _draw(self, *, bad: bool = False) -> bytes:
        self._number += 1
        rng = self._random
        return photo(
            self._number,
            aesthetics=rng.gauss(5.3, 0.6),
            technical=rng.gauss(5.8, 0.8),
            shown=[] if rng.random() < 0.3 else [rng.choice((15, 15, 15, 7, 8, 12))],
            bad=bad,
        )

    def _photograph(self, number: int) -> None:
        """Writes what comes in on a day."""
        script, day = self.script, self._day(number)
        if number not in script.empty:
            count = self._random.randint(self.photos_a_day - 4, self.photos_a_day + 4)
            count *= 20 if number in script.flood else 1
            count *= 4 if number in script.drift else 1  # few photos prove nothing
            for index in range(count):
                bad = number in script.rotten
                self.bench.put(day, f"{index:03}.jpg", self._draw(bad=bad))
        if number in script.late:
            self.bench.put(self._day(number - 2), "late.jpg", self._draw())
        if number in script.too_late:
            self.bench.put(self._day(number - 4), "too-late.jpg", self._draw())
        if number in script.replaced:
            self.bench.put(self._day(number - 1), "000.jpg", self._draw())

    def _note_seen(self, number: int) -> None:
        """Notes what the call of a night may see."""
        model = "second" if number >= self.script.new_model else "first"
        seen = self.seen.setdefault(model, set())
        for each in range(number - LOOK_BACK, number + 1):
            folder = self.bench.folder(self._day(each))
            for path in folder.glob("*.jpg") if each not in self.script.rotten else ():
                uri = files.to_uri(path)
                seen.add((uri, files.version(uri)))

    def _night(self, number: int) -> None:
        """Calls, and does what a person would do about the alarms."""
        script, night = self.script, self._day(number).isoformat()
        self._note_seen(number)
        if number in script.dead:
            self.machine.dies_after = 7
            self.expected.append((night, "broken", "the model m is gone"))
        if number in script.drift:
            self.machine.drift = 4.0
            self.expected.append((night, "failed", "drift of aesthetics ratings (KS)"))
        if number in script.wrong_library:
            self.machine.drift = 0.5
            self.expected.append((night, "failed", "canary street.jpg"))
        if number in script.flood:
            self.expected.append((night, "failed", "new photos (5 times the usual"))
        if number in script.rotten:
            self.expected.append((night, "failed", "none of"))
        self._call(number)
        self.machine.dies_after, self.machine.drift = None, 0.0
        if number in script.drift or number in script.flood:
            self._call(number, "--accept", "looked at it")
        if number in script.rotten:
            out = self.bench.out
            assert score_runs.fcn("discard", out, "--run_date", night).code == 0
            for path in self.bench.folder(self._day(number)).glob("*.jpg"):
                path.unlink()

    def _call(self, number: int, *words: str) -> None:
        # A canary would tell of the drift, too: that night it is left out.
        changes: dict[str, object] = {}
        if number in self.script.drift:
            changes["canaries"] = None
        if number >= self.script.new_model:
            changes["model"] = SECOND_MODEL
        if number == self.script.new_model:
            words = (*words, "--rescore")
        if number in self.script.twice:
            self._call_twice(*words, **changes)
            return
        for outcome in self.bench.nights(*words, **changes):
            if outcome["recovered"]:
                self.recovered.append(outcome["run_date"])
            if outcome["verdict"] != "success":
                found = "; ".join(outcome["reasons"])
                what = (outcome["run_date"], outcome["verdict"], found)
                self.alarms.append(what)

    def _call_twice(self, *words: str, **changes: object) -> None:
        """Calls from two threads at once; both must end well."""
        self.bench.write(**changes)
        codes: list[int] = []

        def call() -> None:
            codes.append(
                main.main(["nightly", "--config", str(self.bench.file), *words])
            )

        threads = [threading.Thread(target=call) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [0, 0]

    def _own_bytes(self) -> int:
        """Returns the size of all that lies in the output."""
        found = Path(self.bench.out).rglob("*")
        return sum(path.stat().st_size for path in found if path.is_file())

    def problems(self) -> list[str]:
        """Returns what is wrong at the end."""
        wrong = [
            f"expected the alarm {want}, got {got}"
            for want, got in zip(self.expected, self.alarms, strict=False)
            if got[:2] != want[:2] or want[2] not in got[2]
        ]
        if len(self.expected) != len(self.alarms):
            wrong.append(f"expected {self.expected}, got the alarms {self.alarms}")
        by_print: dict[str, list[Key]] = {}
        for row in self.bench.rows():
            if row["status"] == "ok":
                key = (row["image_uri"], row["version"])
                by_print.setdefault(row["fingerprint"], []).append(key)
        found = sorted(map(len, by_print.values()))
        sets = sorted(map(len, self.seen.values()))
        if found != sets:
            wrong.append(f"expected ok rows {sets} by model, got {found}")
        if not self._are_same(by_print):
            wrong.append("other photos or versions were scored than were to be seen")
        return wrong

    def _are_same(self, by_print: dict[str, list[Key]]) -> bool:
        """Whether each fingerprint has exactly the rows of one model, each once."""
        left = [sorted(keys) for keys in self.seen.values()]
        for rows in by_print.values():
            if sorted(rows) not in left:
                return False
            left.remove(sorted(rows))
        return not left
