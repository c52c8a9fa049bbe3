"""What `fcn convert folder` asks for: a user's own photos with masks or ratings."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from fcn_core.datasets.bad_record import BadRecord, ListError
from fcn_core.datasets.label_files.label_map import LabelMap, parse_label_map
from fcn_core.datasets.listing import Split
from fcn_core.datasets.makers import IMAGES_ROOT
from fcn_core.datasets.own import folder
from fcn_core.datasets.own.ratings_table import parse_ratings
from fcn_core.images.extensions import PHOTO_EXTENSIONS, REFUSED_EXTENSIONS
from fcn_core.labels import VOID
from fcn_core.records.record import AestheticsRecord, SegmentationRecord, keys
from pipelines import files
from pipelines.convert.config import ConvertFolderConfig
from pipelines.convert.drafts.draft import LABELS_KEY, Content, Draft, read_list
from pipelines.faults import UsageError

_PHOTOS = PHOTO_EXTENSIONS | REFUSED_EXTENSIONS


def draft_folder(config: ConvertFolderConfig) -> Draft:
    """Returns the splits of a user's own data."""
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
        return Draft(*_ratings(config, photos, targets), settings)
    label_map = None
    if config.label_map is not None:
        label_map = _read_label_map(files.to_uri(config.label_map))
        text = label_map.model_dump_json().encode()
        settings["label_map"] = hashlib.sha256(text).hexdigest()
    content, splits = _masks(config, label_map, photos=photos, targets=targets)
    return Draft(content, splits, settings)


def _masks(
    config: ConvertFolderConfig,
    label_map: LabelMap | None,
    *,
    photos: str,
    targets: str,
) -> tuple[Content, Mapping[str, Split]]:
    found = _list_files(photos, leave_out=(targets, config.output))
    masks = _list_files(targets, leave_out=(config.output,))
    if files.real_path(photos) == files.real_path(targets):
        found.paths = [path for path in found.paths if not path.endswith(".png")]
        masks.paths = [path for path in masks.paths if path.endswith(".png")]
    _check_some(found, f"--input {photos}", "photos (.jpg, .jpeg or .png)")
    _check_some(masks, f"--targets {targets}", "masks (.png), or name a CSV file")
    notes, rejected = folder.pair_masks(found.paths, masks.paths)
    bad = (*found.rejected, *masks.rejected, *rejected)
    roots = {folder.IMAGES_ROOT: photos, folder.TARGETS_ROOT: targets}
    content = _mask_content(label_map, roots, found.remarks)
    return content, folder.deal(notes, bad, config.shares)


def _mask_content(
    label_map: LabelMap | None, roots: dict[str, str], remarks: list[str]
) -> Content:
    narrower: dict[str, dict[str, JsonValue]] = {
        keys(SegmentationRecord)["source"]: {"values": ["folder"]}
    }
    if label_map is not None:
        narrower[LABELS_KEY] = {"maximum": max(1, len(label_map.names) - 1)}
    return Content(
        dataset="folder",
        task="segmentation",
        maker="folder-masks",
        maker_settings={"label_map": label_map and label_map.model_dump(mode="json")},
        roots=roots,
        classes=list(label_map.names) if label_map is not None else None,
        void=label_map.void if label_map is not None else VOID,
        narrower=narrower,
        remarks=remarks,
    )


def _ratings(
    config: ConvertFolderConfig, photos: str, targets: str
) -> tuple[Content, Mapping[str, Split]]:
    if config.label_map is not None:
        raise UsageError(
            "--label_map: got one with a table of ratings, expected it with masks "
            "only; leave it out"
        )
    found = _list_files(photos, leave_out=(config.output,))
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
    content = Content(
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
    return content, folder.deal(ratings.notes, ratings.rejected, config.shares)


@dataclass
class _Listed:
    """Relative paths of photos below a folder, sorted, and names that are no text."""

    paths: list[str] = field(default_factory=list)
    rejected: list[BadRecord] = field(default_factory=list)
    ignored: int = 0

    @property
    def remarks(self) -> list[str]:
        if not self.ignored:
            return []
        return [f"{self.ignored} files ignored (no photos by their names)"]


def _list_files(root: str, *, leave_out: Iterable[str]) -> _Listed:
    found = _Listed()
    others = {files.real_path(uri) for uri in leave_out} - {files.real_path(root)}
    for uri in files.walk(root, leave_out=others):
        name = uri.rpartition("/")[2]
        if name.startswith("."):
            continue
        if "." + name.rpartition(".")[2].lower() not in _PHOTOS:
            found.ignored += 1
        elif uri.startswith("file://"):
            path = uri.removeprefix("file://").removeprefix(f"{root}/")
            detail, name = "a name that is not UTF-8 text: rename the file", "bad-name"
            stem = folder.stem(path)
            found.rejected.append(
                BadRecord(name, detail, stage="list", source_id=stem, path=path)
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


def _read_label_map(uri: str) -> LabelMap:
    try:
        return parse_label_map(read_list(uri), name=uri.rpartition("/")[2])
    except FileNotFoundError as error:
        raise UsageError(
            f"--label_map {uri}: got nothing there, expected a JSON or YAML file; "
            "check the path"
        ) from error
    except ListError as error:
        raise UsageError(f"--label_map: {error}") from error
