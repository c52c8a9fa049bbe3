"""`fcn voc_submission`: masks of `fcn score` -> what Pascal VOC's test server takes.

Everything is checked before anything is written: a submission is whole or not there.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Final

from fcn_core.labels import VOC_CLASSES
from pipelines import files
from pipelines.faults import AboveThreshold, SystemicFault, UsageError
from pipelines.score import masks, pruned
from pipelines.score import states as score_states
from pipelines.score.layout import NightFolder
from pipelines.score.rows import SCORES_SCHEMA, ScoreRow
from pipelines.score.summary import read_summary
from pipelines.score.table import batches
from pipelines.submission.masks import MaskError, check, convert_mask

TAR_NAME: Final = "results.tar"
_NAMED: Final = 5


@dataclass(frozen=True)
class Photo:
    """A photo and its last result.

    Attributes:
        row: Of the scores table.
        out: The output that the row's mask path is relative to.
        class_ids: VOC's class id for each class id of the model.
        pruned: Why the masks of its night are gone; None where they are not.
    """

    row: ScoreRow
    out: str
    class_ids: tuple[int, ...]
    pruned: str | None = None


Photos = dict[str, Photo]
"""Photos by id."""


@dataclass(frozen=True)
class Submission:
    """What was written.

    Attributes:
        folder: Where the PNGs lie.
        tar: The same files as a tar; None unless asked for.
        photos: How many PNGs, each read again and checked.
        listed: How many ids the list has; None without a list.
        not_listed: Scored photos that the list does not name, and that are left out.
    """

    folder: str
    tar: str | None
    photos: int
    listed: int | None
    not_listed: int

    def described(self) -> dict[str, object]:
        """Returns the submission as JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Returns the lines that a person reads."""
        count = f"{self.photos} masks written and checked"
        if self.listed is not None:
            count += f", as many as ids listed; {self.not_listed} others left out"
        lines = [count, f"masks {self.folder}"]
        return lines if self.tar is None else [*lines, f"tar   {self.tar}"]


def write(
    scored: str,
    output: str,
    *,
    competition: str,
    ids: str | None,
    run_date: str | None,
    tar: bool,
) -> Submission:
    """Writes and checks a submission.

    Args:
        scored: An output of `fcn score`.
        output: A new or empty folder.
        competition: "comp5" or "comp6".
        ids: The file that lists the ids to submit; every scored photo if None.
        run_date: The night whose rows are taken; all nights, the last first, if None.
        tar: Whether to write them as a tar too.

    Raises:
        UsageError: There is nothing to submit, or nowhere to write it.
        AboveThreshold: Photos have no mask; nothing is written.
        SystemicFault: A mask is gone, damaged, or not what the server takes.
    """
    photos = _photos(_nights(scored, run_date))
    wanted = sorted(photos) if ids is None else _read_ids(ids)
    _check_masks(wanted, photos, ids)
    out = files.to_uri(output)
    _check_empty(out)
    inside = f"results/VOC2012/Segmentation/{competition}_test_cls"
    folder = files.join(out, inside)
    pngs = {}
    for name in wanted:
        png = _mask(name, photos[name])
        files.write_atomically(files.join(folder, f"{name}.png"), png)
        pngs[name] = hashlib.sha256(png).digest()
    _read_again(folder, pngs)
    tar_uri = _write_tar(out, inside, wanted) if tar else None
    listed = None if ids is None else len(wanted)
    left_out = len(photos.keys() - set(wanted))
    return Submission(folder, tar_uri, len(wanted), listed, left_out)


def _nights(scored: str, run_date: str | None) -> list[tuple[str, str]]:
    """Returns (output, night) of the committed nights, in their sequence."""
    states = score_states.states(scored, run_date=run_date)
    out = files.to_uri(scored)
    found = [(out, night.run_date) for night in states if night.state == "committed"]
    if not found:
        raise UsageError(
            f"{scored}: got no committed night, expected one with masks; finish it "
            "with fcn score"
        )
    return found


def _photos(nights: Sequence[tuple[str, str]]) -> Photos:
    """Returns the last result of each photo, by its id: its file's name."""
    photos: Photos = {}
    for out, run_date in nights:
        class_ids = _class_ids(out, run_date)
        removed = pruned.find(NightFolder(out, run_date))
        why = None if removed is None else removed.text
        found: Photos = {}
        for row in _table(out, run_date):
            name = PurePosixPath(row.image_uri).stem
            if name in found:
                raise UsageError(
                    f"{out}: got two photos of the id {name} in run_date={run_date}, "
                    "expected one; score the test photos alone"
                )
            found[name] = Photo(row, out, class_ids, why)
        for name, photo in found.items():
            # A photo that failed later keeps the mask that it got before.
            before = photos.get(name, photo)
            if photo.row.status == "ok" or before.row.status == "failed":
                photos[name] = photo
    return photos


def _table(out: str, run_date: str) -> Iterator[ScoreRow]:
    for batch in batches(NightFolder(out, run_date), SCORES_SCHEMA.names):
        yield from (ScoreRow(**row) for row in batch.to_pylist())


def _class_ids(out: str, run_date: str) -> tuple[int, ...]:
    """Returns VOC's class id for each class id of a night's model.

    Raises:
        UsageError: The night has no masks of VOC's classes.
    """
    model = read_summary(NightFolder(out, run_date)).model("segmentation")
    classes = None if model is None else model.classes
    if classes is None or sorted(classes) != sorted(VOC_CLASSES):
        got = "no masks" if classes is None else f"{len(classes)} other classes"
        raise UsageError(
            f"run_date={run_date}: got {got}, expected masks of VOC's "
            f"{len(VOC_CLASSES)} classes by name; score with such a model"
        )
    return tuple(VOC_CLASSES.index(name) for name in classes)


def _read_ids(uri: str) -> list[str]:
    """Returns the ids of a list such as `test.txt`, each once."""
    try:
        text = files.read_bytes(files.to_uri(uri)).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise UsageError(
            f"--ids {uri}: got {reason.lower()}, expected a list of ids, one a line"
        ) from error
    names = [line.split()[0] for line in text.splitlines() if line.strip()]
    unsafe = next((name for name in names if "/" in name or name[0] == "."), None)
    if not names or unsafe or len(set(names)) != len(names):
        got = unsafe or ("an id twice" if names else "no id")
        raise UsageError(
            f"--ids {uri}: got {got}, expected ids such as 2008_000006, each once"
        )
    return sorted(names)


def _check_masks(wanted: Sequence[str], photos: Photos, ids: str | None) -> None:
    """Raises AboveThreshold unless every wanted photo has a mask."""
    why = {
        name: photos[name].row.error_reason if name in photos else "not scored"
        for name in wanted
        if name not in photos or photos[name].row.status != "ok"
    }
    scored = [name for name in wanted if name not in why]
    unmasked = [name for name in scored if photos[name].row.mask_path is None]
    if unmasked:
        raise UsageError(
            f"got {_few(unmasked)} scored without masks, expected masks; score with "
            "--masks png or tar"
        )
    if why:
        cure = "score what is missing" if ids else "list the others in --ids"
        named = _few([f"{name} ({reason})" for name, reason in why.items()])
        raise AboveThreshold(
            f"{len(why)} of {len(wanted)} photos have no mask: {named}; nothing is "
            f"written, since the server wants all; run fcn replay, or {cure}"
        )


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    more = len(names) - _NAMED
    return shown if more <= 0 else f"{shown} and {more} more"


def _check_empty(out: str) -> None:
    files.check_writable(out)
    if names := files.list_names(out):
        raise UsageError(
            f"--output {out}: got a folder with {_few(names)}, expected a new or empty "
            "one; the server refuses additional files"
        )


def _mask(name: str, photo: Photo) -> bytes:
    row = photo.row
    try:
        png = masks.read(photo.out, str(row.mask_path))
    except (OSError, tarfile.TarError) as error:
        if photo.pruned is not None:
            raise UsageError(
                f"{name}: {photo.pruned}, expected its mask {row.mask_path}; restore "
                "it, or score the photo again into another output"
            ) from error
        raise SystemicFault(
            f"{name}: its mask {row.mask_path} is gone or unreadable; restore it, "
            "or score the photo again into another output"
        ) from error
    try:
        if hashlib.sha256(png).hexdigest() != row.mask_sha256:
            raise MaskError(f"{row.mask_path} has other bytes than its row says")
        return convert_mask(
            png, shape=(row.height, row.width), class_ids=photo.class_ids
        )
    except MaskError as error:
        raise SystemicFault(_refused(name, error)) from error


def _read_again(folder: str, pngs: Mapping[str, bytes]) -> None:
    """Reads every file that was written, and looks for others."""
    found = files.list_names(folder)
    if found != sorted(f"{name}.png" for name in pngs):
        raise SystemicFault(
            f"{folder}: got {len(found)} files, expected the {len(pngs)} that were "
            "written; remove the folder and write it again"
        )
    for name, digest in pngs.items():
        try:
            check(files.read_bytes(files.join(folder, f"{name}.png")), digest)
        except MaskError as error:
            raise SystemicFault(_refused(name, error)) from error


def _refused(name: str, error: MaskError) -> str:
    return f"{name}: {error}; the server would refuse it, score the photo again"


def _write_tar(out: str, inside: str, names: Sequence[str]) -> str:
    """Writes the PNGs as the tar to upload."""
    uri = files.join(out, TAR_NAME)
    with (
        files.new_file(uri, durable=False) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in names:
            path = f"{inside}/{name}.png"
            data = files.read_bytes(files.join(out, path))
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return uri
