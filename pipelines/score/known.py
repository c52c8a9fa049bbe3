"""Photos that are known by their content: moved and touched ones are not scored again.

A photo that no plan holds in its place and version is read and hashed, once. If the
table of an earlier night has a row of that hash, the photo is noted as known, in files
named by the hash of what they hold; a note that is lost costs another reading.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from fcn_core.bad_image import BadImage
from pipelines import files
from pipelines.score import inputs, table
from pipelines.score.keys import BYTES, DTYPE, Keys, contains, keys_of
from pipelines.score.photos import Chosen
from pipelines.score.plan import Plan, PlannedNight

_ENDING: Final = ".keys"
_NONE: Final = bytes(BYTES)
"""Stands for the hash of a photo that cannot be read."""


def noted(out: str, fingerprint: str) -> Iterator[Keys]:
    """Yields keys of photos that were found to be known, by place and version."""
    folder = _folder(out, fingerprint)
    for name in files.list_names(folder):
        data = files.read_bytes(files.join(folder, name))
        if name == _name(data):  # else it is damaged, and the photos are read again
            yield np.frombuffer(data, DTYPE)


def leave_out(
    out: str,
    items: Chosen,
    *,
    same: Sequence[Plan],
    root: str | None,
    durable: bool,
) -> Chosen:
    """Returns the photos whose content no earlier night has scored; notes the others.

    Args:
        out: The output.
        items: Photos that no plan holds.
        same: Plans of the same models and arithmetic.
        root: The listed folder.
        durable: Whether notes are on the disk when the call returns.
    """
    known = _scored(out, same)
    if not known.size or not items.num_rows:
        return items
    is_chosen, places = items.is_chosen.copy(), np.flatnonzero(items.is_chosen)
    first, found = 0, list[Keys]()
    with ThreadPoolExecutor(files.parallel_reads(root or out)) as pool:
        for photos in items.tables():
            digests = pool.map(lambda row: _digest(row, root), photos.to_pylist())
            is_known = contains(known, np.frombuffer(b"".join(digests), DTYPE))
            is_chosen[places[first : first + photos.num_rows][is_known]] = False
            first += photos.num_rows
            found.append(keys_of(photos)[is_known])
    data = np.sort(np.concatenate(found)).tobytes()
    if data:
        uri = files.join(_folder(out, same[0].fingerprint), _name(data))
        files.write_atomically(uri, data, durable=durable)
    return Chosen(items.photos, is_chosen)


def _scored(out: str, same: Sequence[Plan]) -> Keys:
    """Returns the beginnings of the hashes of all photos with a result, sorted."""
    found = [np.zeros(0, DTYPE)]
    for plan in same:
        night = PlannedNight(out, plan)
        if night.commit() is None:
            continue
        for batch in table.batches(night.folder, ["sha256", "status"]):
            rows = batch.filter(pc.equal(batch["status"], "ok"))
            hashes = (bytes.fromhex(one)[:BYTES] for one in rows["sha256"].to_pylist())
            found.append(np.frombuffer(b"".join(hashes), DTYPE))
    return np.unique(np.concatenate(found))


def _digest(row: Mapping[str, Any], root: str | None) -> bytes:
    try:
        return hashlib.sha256(inputs.read(row, root=root)).digest()[:BYTES]
    except BadImage:
        return _NONE  # it becomes a row with the reason


def _folder(out: str, fingerprint: str) -> str:
    return files.join(out, "_runs", "known", fingerprint[:32])


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() + _ENDING
