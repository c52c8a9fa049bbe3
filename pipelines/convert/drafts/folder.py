"""What `fcn convert folder` asks for: one's own photos with masks or ratings."""

import hashlib
from collections.abc import Iterable

from pydantic import JsonValue

from fcn_core.datasets.bad_record import BadRecord, ListError
from fcn_core.datasets.label_files.label_map import LabelMap, parse_label_map
from fcn_core.datasets.makers import IMAGES_ROOT
from fcn_core.datasets.own import folder
from fcn_core.datasets.own.ratings_table import Ratings, parse_ratings
from fcn_core.images.extensions import PHOTO_EXTENSIONS, REFUSED_EXTENSIONS
from fcn_core.labels import VOID
from fcn_core.records.record import AestheticsRecord, SegmentationRecord, keys
from pipelines import files
from pipelines.convert.config import ConvertFolderConfig
from pipelines.convert.drafts.draft import LABELS_KEY, Content, Draft, read_list
from pipelines.faults import UsageError

_PHOTOS = PHOTO_EXTENSIONS | REFUSED_EXTENSIONS


def draft_folder(config: ConvertFolderConfig) -> Draft:
    """Returns the splits of one's own data."""
    photos, targets = files.to_uri(config.input), files.to_uri(config.targets)
    if not files.exists(photos) or files.is_file(photos):
        raise UsageError(
            f"--input {photos}: got no folder there, expected photos; check the path"
        )
    if not files.exists(targets):
        raise UsageError(
            f"--targets {targets}: got nothing there, expected a folder of masks or a "
            "CSV file; check the path"
        )
    settings: dict[str, JsonValue] = {
        "dataset": "folder",
        "input": photos,
        "targets": targets,
        "split": {name: str(share) for name, share in config.shares.items()},
    }
    if files.is_file(targets):
        return _ratings(config, photos, targets, settings)
    return _masks(config, photos, targets, settings)


def _masks(
    config: ConvertFolderConfig,
    photos: str,
    targets: str,
    settings: dict[str, JsonValue],
) -> Draft:
    label_map = _label_map(config.label_map)
    if label_map is not None:
        content = label_map.model_dump_json().encode()
        settings["label_map"] = hashlib.sha256(content).hexdigest()
    found = _listed(photos, leave_out=(targets, config.output))
    masks = _listed(targets, leave_out=(config.output,))
    if files.real_path(photos) == files.real_path(targets):
        found.paths = [path for path in found.paths if not path.endswith(".png")]
        masks.paths = [path for path in masks.paths if path.endswith(".png")]
    _check_some(found, f"--input {photos}", "photos (.jpg, .jpeg or .png)")
    _check_some(masks, f"--targets {targets}", "masks (.png), or name a CSV file")
    notes, rejected = folder.pair_masks(found.paths, masks.paths)
    bad = (*found.rejected, *masks.rejected, *rejected)
    return Draft(
        content=_mask_content(photos, targets, label_map, found.remarks),
        splits=folder.deal(notes, bad, config.shares),
        settings=settings,
    )


def _mask_content(
    photos: str, targets: str, label_map: LabelMap | None, remarks: list[str]
) -> Content:
    narrower: dict[str, dict[str, JsonValue]] = {
        keys(SegmentationRecord)["source"]: {"values": ["folder"]}
    }
    if label_map is not None:
        highest = max(1, len(label_map.names) - 1)
        narrower[LABELS_KEY] = {"maximum": highest}
    return Content(
        dataset="folder",
        task="segmentation",
        maker="folder-masks",
        maker_settings={
            "label_map": label_map and label_map.model_dump(mode="json"),
        },
        roots={IMAGES_ROOT: photos, folder.TARGETS_ROOT: targets},
        classes=list(label_map.names) if label_map is not None else None,
        void=label_map.void if label_map is not None else VOID,
        narrower=narrower,
        remarks=remarks,
    )


def _ratings(
    config: ConvertFolderConfig,
    photos: str,
    targets: str,
    settings: dict[str, JsonValue],
) -> Draft:
    if config.label_map is not None:
        raise UsageError(
            "--label_map: got one with a table of ratings, expected it with masks "
            "only; leave it out"
        )
    found = _listed(photos, leave_out=(config.output,))
    _check_some(found, f"--input {photos}", "photos (.jpg, .jpeg or .png)")
    name = targets.rpartition("/")[2]
    try:
        ratings = parse_ratings(read_list(targets), name=name, photos=found.paths)
    except ListError as error:
        raise UsageError(f"--targets: {error}") from error
    unrated = len(found.paths) - len(ratings.notes)
    remarks = list(found.remarks)
    if unrated > 0:
        remarks.append(f"{unrated} photos of the folder have no usable row in {name}")
    return Draft(
        content=_rating_content(photos, ratings, remarks),
        splits=folder.deal(ratings.notes, ratings.rejected, config.shares),
        settings=settings,
    )


def _rating_content(photos: str, ratings: Ratings, remarks: list[str]) -> Content:
    return Content(
        dataset="folder",
        task="aesthetics",
        maker="folder-ratings",
        maker_settings={},
        roots={IMAGES_ROOT: photos},
        classes=None,
        void=None,
        narrower={keys(AestheticsRecord)["votes"]: {"lengths": [ratings.bins]}},
        remarks=remarks,
    )


class _Listed:
    """Relative paths of photos below a folder, sorted, and names that are no text."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.rejected: list[BadRecord] = []
        self.ignored = 0

    @property
    def remarks(self) -> list[str]:
        if not self.ignored:
            return []
        return [f"{self.ignored} files ignored (no photos by their names)"]


def _listed(root: str, *, leave_out: Iterable[str]) -> _Listed:
    real = [files.real_path(one) for one in leave_out]
    own = files.real_path(root)
    found = _Listed()
    for uri in files.walk(root, leave_out=[one for one in real if one != own]):
        name = uri.rpartition("/")[2]
        if name.startswith("."):
            continue
        if "." + name.rpartition(".")[2].lower() not in _PHOTOS:
            found.ignored += 1
        elif uri.startswith("file://"):
            path = uri.removeprefix("file://").removeprefix(f"{root}/")
            detail = "a name that is not UTF-8 text: rename the file"
            found.rejected.append(
                BadRecord(
                    "bad-name",
                    detail,
                    stage="list",
                    source_id=folder.stem(path),
                    path=path,
                )
            )
        else:
            found.paths.append(uri.removeprefix(f"{root}/"))
    found.paths.sort()
    found.rejected.sort(key=lambda bad: bad.path)
    return found


def _check_some(found: _Listed, flag: str, expected: str) -> None:
    if not found.paths and not found.rejected:
        others = f" but {found.ignored} other files" if found.ignored else ""
        raise UsageError(
            f"{flag}: got nothing{others} in that folder, expected {expected}; check "
            "the path"
        )


def _label_map(path: str | None) -> LabelMap | None:
    if path is None:
        return None
    uri = files.to_uri(path)
    try:
        return parse_label_map(read_list(uri), name=uri.rpartition("/")[2])
    except FileNotFoundError as error:
        raise UsageError(
            f"--label_map {uri}: got nothing there, expected a JSON or YAML file; "
            "check the path"
        ) from error
    except ListError as error:
        raise UsageError(f"--label_map: {error}") from error
