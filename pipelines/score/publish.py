"""How a night's table appears: merged from its parts, whole, and only once.

First the files are merged in a folder of ours, then one create-once `_COMMIT.json`
names them with their hashes, then they appear in OUT/scores, `_SUCCESS` last. A reader
never meets half a night, and the next attempt completes what a killed one left.
"""

import numpy as np

from pipelines import files
from pipelines.chunks.pieces import Piece
from pipelines.faults import SystemicFault
from pipelines.score import index, merging
from pipelines.score.commit import Commit
from pipelines.score.gate_settings import Acceptance
from pipelines.score.keys import DTYPE
from pipelines.score.layout import plans_folder
from pipelines.score.parts import Totals
from pipelines.score.plan import PlannedNight


def publish(
    night: PlannedNight, totals: Totals, *, accepted: Acceptance | None = None
) -> Commit:
    """Commits a night and shows its table; again and again without harm.

    Args:
        night: The night.
        totals: What its parts add up to.
        accepted: Who publishes it in spite of its gates, if somebody has to.

    Returns:
        The commit. First writer wins: it may be another attempt's.

    Raises:
        SystemicFault: The night was discarded first, or the merged table is not the
            one that was committed.
    """
    try:
        commit = night.commit() or _commit(night, totals, accepted)
        show(night, commit)
    except FileNotFoundError:
        # Another attempt published all of it, and removed what was merged.
        published = night.commit()
        if published is None or not is_shown(night, published):
            raise
        return published
    return commit


def sweep(night: PlannedNight) -> None:
    """Removes what killed attempts left half-written in a published night.

    Also in the folders of the plans of this night that were discarded.
    """
    folder = night.folder
    files.remove_folder(folder.merged)
    for place in (
        folder.runs,
        folder.scores,
        folder.report,
        folder.all_masks,
        plans_folder(night.out),
    ):
        files.remove_temporaries(place)
    files.remove_temporaries(night.out, below=False)


def _commit(night: PlannedNight, totals: Totals, accepted: Acceptance | None) -> Commit:
    plan = night.plan
    attached = _attach(night, totals)
    commit = Commit(
        run_date=plan.run_date,
        sequence=plan.sequence,
        plan_id=plan.plan_id,
        planned=plan.planned,
        files=tuple(merging.merge(night, totals)),
        parts=attached["parts"],
        retries=attached["retries"],
        statistics=attached["statistics"],
        accepted=accepted,
        writer=merging.WRITER,
        ok=totals.ok,
        failed=totals.failed,
        failures=totals.failures,
        transient=totals.transient,
    ).identified()
    uri = night.folder.commit
    data = commit.encode()
    if files.create_once(uri, data, durable=night.durable, parents=False):
        return commit
    return night.commit() or commit  # the one of another attempt


def _attach(night: PlannedNight, totals: Totals) -> dict[str, tuple[Piece, ...]]:
    """Writes the files that a commit names besides the table."""
    folder, durable = night.folder.pieces, night.durable
    return {
        stem: index.write(folder, stem, contents, durable=durable, parents=False)
        for stem, contents in attachments(totals).items()
    }


def attachments(totals: Totals) -> dict[str, list[bytes]]:
    """Returns the contents of the files that a commit names besides the table."""
    keys = np.frombuffer(totals.retries, DTYPE)
    return {
        "parts": [totals.parts] if totals.parts else [],
        "retries": list(index.encode([keys], totals.transient)),
        "statistics": [totals.statistics.encode()],
    }


def show(night: PlannedNight, commit: Commit) -> None:
    """Makes the files of a commit appear where readers look, `_SUCCESS` last.

    Files that are there already are read and compared; damaged ones are replaced.

    Raises:
        SystemicFault: The merged table is not the committed one.
    """
    folder, numbers = night.folder, range(len(commit.files))
    while missing := [n for n in numbers if not _has_bytes(folder.scores, commit, n)]:
        for number in missing:
            if not _has_bytes(folder.merged, commit, number):
                _merge_again(night, commit, number)
        if all(_move(night, commit, number) for number in missing):
            break
    files.write_atomically(night.folder.success, b"", durable=night.durable)


def is_shown(night: PlannedNight, commit: Commit) -> bool:
    """Returns whether the table is there, as far as names and sizes tell."""
    folder = night.folder
    return files.exists(folder.success) and all(
        files.size(files.join(folder.scores, file.name)) == file.bytes
        for file in commit.files
    )


def _has_bytes(folder: str, commit: Commit, number: int) -> bool:
    file = commit.files[number]
    try:
        return files.sha256(files.join(folder, file.name)) == file.sha256
    except FileNotFoundError:
        return False


def _move(night: PlannedNight, commit: Commit, number: int) -> bool:
    """Shows a merged file; returns False where another attempt has moved it."""
    name = commit.files[number].name
    merged = files.join(night.folder.merged, name)
    shown = files.join(night.folder.scores, name)
    try:
        files.move(merged, shown, durable=night.durable)
    except FileNotFoundError:
        return False
    return True


def _merge_again(night: PlannedNight, commit: Commit, number: int) -> None:
    files.make_last_folder(night.folder.merged)  # it was swept
    if merging.merge_file(night, number) != commit.files[number]:
        uri = files.join(night.folder.merged, commit.files[number].name)
        raise SystemicFault(
            f"{uri}: the merged table is not the one that was committed, written by "
            f"{commit.writer}, expected the same bytes of {merging.WRITER}; install "
            "the former and run the same command again"
        )
