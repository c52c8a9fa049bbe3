"""Checks one night: pieces, parts, masks, commit, table, summary and page."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from pipelines import files
from pipelines.check.damage import MEND, RESTORE, Damage, Findings, Kind
from pipelines.chunks.parts import Part
from pipelines.chunks.pieces import Piece
from pipelines.faults import JobFault, SystemicFault
from pipelines.score import masks, parts, pruned
from pipelines.score.commit import Commit
from pipelines.score.plan import PlannedNight
from pipelines.score.summary import read_summary

COLUMNS: Final = ("image_key", "mask_path", "mask_sha256")
"""Columns of a part that name its masks."""

_END_OF_PAGE: Final = b"</html>"


class NightCheck:
    """Reads what one night names.

    Args:
        night: The night.
        found: What it adds to.
        most_masks: Masks to read; all if None.
    """

    def __init__(self, night: PlannedNight, found: Findings, *, most_masks: int | None):
        self._night, self._found, self._most_masks = night, found, most_masks
        self._pieces = night.items()
        self._named: set[str] = set()
        self._is_complete, self._are_masks_pruned = True, False
        self._hashes: list[str] = []
        self._got_hashes = bytearray()

    def run(self) -> None:
        """Reads all of it."""
        night = self._night
        commit = night.commit()
        self._are_masks_pruned = self._find_pruned()
        self._check_pieces()
        self._check_index(night.plan.index)
        if commit is not None:
            self._check_index(commit.retries + commit.statistics)
            self._hashes = find_hashes(night, commit) or []
        for chunk in range(night.plan.chunks):
            self._check_chunk(chunk, commit)
        if commit is not None:
            self._check_index(commit.parts, cure=self._cure_of_hashes(commit))
        if self._is_complete:
            self._check_unnamed_masks()
        if commit is not None:
            self._found.count("commit")
            self._check_published(commit)
        elif night.folder.is_shown():
            self._add("commit", night.folder.commit, "nothing, below a table")
        else:
            self._check_folders()

    def _add(self, kind: Kind, uri: str, got: str, **more: Any) -> None:
        path = uri.removeprefix(f"{self._night.out}/")
        damage = Damage(self._night.plan.run_date, kind, path, got, **more)
        self._found.damages.append(damage)

    def _find_pruned(self) -> bool:
        """Returns whether a rule has removed the masks, and notes it."""
        folder = self._night.folder
        try:
            found = pruned.find(folder)
        except SystemicFault:
            self._add("pruned", folder.pruned, "a damaged record", cure=pruned.CURE)
            return True
        if found is not None:
            self._found.count("pruned")
            self._found.pruned[folder.run_date] = found.text
        return found is not None

    def _check_folders(self) -> None:
        """Looks for the folders that attempts write into and never make."""
        folder = self._night.folder
        has_masks = self._night.plan.settings.has_masks
        for place in folder.places(masks=has_masks):
            if not files.exists(place):
                self._add("folder", place, "nothing")

    def _check_pieces(self) -> None:
        folder = self._night.folder
        gates = self._night.plan.gates
        baseline = () if gates is None else gates.baseline
        for piece in self._night.plan.pieces + baseline:
            self._found.count("piece")
            uri = files.join(folder.pieces, piece.name)
            got = _compare(uri, piece.sha256)
            if got is not None:
                self._add("piece", uri, got, cure=RESTORE)

    def _check_index(self, index: Sequence[Piece], *, cure: str = MEND) -> None:
        """Looks at files of keys and hashes."""
        folder = self._night.folder
        for piece in index:
            self._found.count("index")
            uri = files.join(folder.pieces, piece.name)
            got = _compare(uri, piece.sha256)
            if got is not None:
                self._add("index", uri, got, cure=cure)

    def _cure_of_hashes(self, commit: Commit) -> str:
        """Returns what brings the hashes of the parts back: parts that have them.

        A part that is not there can be scored again, and may have its hash then.
        """
        got = hashlib.sha256(self._got_hashes).hexdigest()
        is_lost = self._is_complete and [got] != [p.sha256 for p in commit.parts]
        return RESTORE if is_lost else MEND

    def _check_chunk(self, chunk: int, commit: Commit | None) -> None:
        night = self._night
        try:
            items = self._pieces.chunk(chunk)
        except SystemicFault:  # the piece is named already
            self._is_complete = False
            return
        self._found.count("part")
        uri = night.parts.uri(chunk)
        try:
            part = parts.find_part(night, chunk, items=items, columns=COLUMNS)
        except SystemicFault:
            self._is_complete = False
            self._add("part", uri, "a damaged part", chunk=chunk)
            return
        if part is None:
            self._is_complete = False
            if commit is not None or night.folder.is_shown():
                self._add("part", uri, "nothing", chunk=chunk)
        elif self._hashes and part.sha256 != self._hashes[chunk]:
            self._add("part", uri, "another part than committed", chunk=chunk)
        else:
            self._check_masks(chunk, part)
            self._got_hashes += bytes.fromhex(part.sha256)

    def _check_masks(self, chunk: int, part: Part) -> None:
        if self._are_masks_pruned:
            return
        rows = [row for row in part.rows.to_pylist() if row["mask_path"] is not None]
        containers = {row["mask_path"].partition("#")[0] for row in rows}
        self._named |= containers
        chosen = self._chosen(rows)
        self._found.count("mask", len(chosen))
        if self._night.plan.settings.masks == "tar":
            for path in containers if chosen else ():
                uri, sha256 = files.join(self._night.out, path), masks.tar_sha256(path)
                self._compare_mask(uri, sha256, chunk=chunk)
            return
        for row in chosen:
            uri, key = files.join(self._night.out, row["mask_path"]), row["image_key"]
            self._compare_mask(uri, row["mask_sha256"], chunk=chunk, image_key=key)

    def _compare_mask(self, uri: str, sha256: str, **more: Any) -> None:
        got = _compare(uri, sha256)
        if got is not None:
            self._add("mask", uri, got, **more)

    def _chosen(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns this chunk's share of the masks to read, evenly spread."""
        if self._most_masks is None or not rows:
            return rows
        planned = max(self._night.plan.planned, 1)
        share = -(-self._most_masks * len(rows) // planned)
        step = max(len(rows) // share, 1) if share else len(rows) + 1
        return rows[::step][:share]

    def _check_unnamed_masks(self) -> None:
        got = "a mask that no row names"
        if self._are_masks_pruned:
            got = "a mask that fcn prune has not removed yet"
        for uri in files.walk(self._night.folder.masks):
            path = uri.removeprefix(f"{self._night.out}/")
            is_temporary = path.rpartition("/")[2].startswith(".")
            if path not in self._named and not is_temporary:
                self._add("left over", uri, got)

    def _check_published(self, commit: Commit) -> None:
        folder = self._night.folder
        for file in commit.files:
            self._found.count("table")
            uri = files.join(folder.scores, file.name)
            got = _compare(uri, file.sha256)
            if got is not None:
                self._add("table", uri, got)
        if not files.exists(folder.success):
            self._add("table", folder.success, "nothing")
        known = {file.name for file in commit.files}
        for uri in folder.published():
            if uri.rpartition("/")[2] not in known:
                got = "a table that the commit does not name, but readers read"
                self._add("table", uri, got, cure="move it away")
        self._check_report(commit)

    def _check_report(self, commit: Commit) -> None:
        folder = self._night.folder
        try:
            summary = read_summary(folder)
        except (JobFault, OSError):
            self._add("summary", folder.summary, "no whole summary")
        else:
            got = (summary.verdict, summary.planned, summary.ok, summary.failed)
            if got != (commit.verdict, commit.planned, commit.ok, commit.failed):
                self._add("summary", folder.summary, "other counts than committed")
        try:
            page = files.read_bytes(folder.page)
        except OSError:
            page = b""
        if not page.rstrip().endswith(_END_OF_PAGE):
            self._add("page", folder.page, "no whole page")


def find_hashes(night: PlannedNight, commit: Commit) -> list[str] | None:
    """Returns the sha256 of the parts that were committed; None if not known.

    Where their file is damaged, the commit still has the hash of it: it proves parts
    that add up to the file.
    """
    try:
        return night.part_hashes(commit)
    except SystemicFault:
        return None


def _compare(uri: str, sha256: str) -> str | None:
    """Returns what is there in place of a file; None where it is right."""
    try:
        got = files.sha256(uri)
    except FileNotFoundError:
        return "nothing"
    except OSError as error:
        return str(error.strerror).lower()
    return None if got == sha256 else "other bytes (another sha256)"
