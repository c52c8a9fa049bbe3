"""Mends an output: what is derived is made again, to the bytes that were committed.

Left-over files go, parts and masks are scored again, then come the commit, the table,
summary and page. What would not be the same bytes is left as it is.
"""

import hashlib
from collections.abc import Iterable, Sequence

from pipelines import files
from pipelines.check.damage import MEND, Damage
from pipelines.chunks.counts import Counts
from pipelines.chunks.pieces import Piece
from pipelines.pages import night as pages_night
from pipelines.score import drafts, parts, publish
from pipelines.score.finish import NightEnding
from pipelines.score.models import open_models
from pipelines.score.nights import Night
from pipelines.score.plan import PlannedNight
from pipelines.score.summary import find_summary


def remove_left_over(out: str, damages: Sequence[Damage]) -> list[Damage]:
    """Removes temporary files, and what discarded plans and drafts left.

    Returns:
        The damage that is still there.
    """
    return [damage for damage in damages if not _is_removed(out, damage)]


def _is_removed(out: str, damage: Damage) -> bool:
    if damage.kind != "left over" or damage.cure != MEND:
        return False
    uri = files.join(out, damage.path)
    if files.is_file(uri):
        files.remove(uri)
    else:
        files.remove_folder(uri)
    return not files.exists(uri)


def open_night(night: PlannedNight) -> Night:
    """Returns a night with its models.

    Raises:
        UsageError: A model is not there any more.
    """
    return Night(night.out, night.plan, open_models(night.plan.settings.model))


def show_again(night: Night, damages: Sequence[Damage], *, command: str) -> None:
    """Makes commit, table, summary and page of a night again where they are damaged.

    Args:
        night: The night, its parts and masks whole.
        damages: Its damage.
        command: What the person typed.

    Raises:
        SystemicFault: The table would not be the committed one.
    """
    kinds = {damage.kind for damage in damages if damage.cure == MEND}
    if kinds.isdisjoint({"commit", "table", "summary", "page"}):
        return
    total = parts.add_up(night)
    if not kinds.isdisjoint({"commit", "table"}):
        summary = find_summary(night.folder)  # it knows what only the commit knew
        accepted = None if summary is None else summary.accepted
        publish.publish(night, total, accepted=accepted)
        files.remove_folder(night.folder.merged)
    if night.commit() is None:
        return
    if "summary" in kinds:
        files.remove(night.folder.summary)
        ending = NightEnding(night, max_error_rate=1.0, command=command)
        ending.summarise(total, Counts(total.ok, total.failed), why=None)
    pages_night.build(night.folder)


def put_index(night: PlannedNight, damages: Sequence[Damage]) -> None:
    """Puts files of keys back, from the items.

    What would not be the same bytes stays away; the check that follows names it.

    Args:
        night: The night.
        damages: Its damage.

    Raises:
        SystemicFault: The items are damaged.
    """
    if _has_damaged_index(damages):
        _put(night, night.plan.index, drafts.encode_index(night))


def put_attached(night: PlannedNight, damages: Sequence[Damage]) -> None:
    """Puts what a commit names besides the table back, from the parts.

    They prove parts that were scored again while their hashes were unknown: the commit
    names the hash of all hashes. What would not be the same bytes stays away; the check
    that follows names it.

    Args:
        night: The night, its parts whole.
        damages: Its damage.

    Raises:
        SystemicFault: A part is damaged.
    """
    commit = night.commit()
    if commit is not None and _has_damaged_index(damages):
        contents = publish.attachments(parts.add_up(night))
        _put(night, commit.parts, contents["parts"])
        _put(night, commit.retries, contents["retries"])
        _put(night, commit.statistics, contents["statistics"])


def _has_damaged_index(damages: Sequence[Damage]) -> bool:
    return any(damage.kind == "index" and damage.cure == MEND for damage in damages)


def _put(
    night: PlannedNight, index: Sequence[Piece], contents: Iterable[bytes]
) -> None:
    for piece, content in zip(index, contents, strict=False):
        if hashlib.sha256(content).hexdigest() == piece.sha256:
            files.write_atomically(files.join(night.folder.pieces, piece.name), content)
