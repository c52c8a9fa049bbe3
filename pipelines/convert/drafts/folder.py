"""What `fcn convert folder` asks for: a user's own photos with masks or ratings."""

import hashlib
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from fcn_core.datasets.bad_record import BadRecord, ListError
from fcn_core.datasets.label_files.label_map import LabelMap, parse_label_map
from fcn_core.datasets.listing import Split
from fcn_core.datasets.makers import IMAGES_ROOT
from fcn_core.datasets.own import folder
from fcn_core.datasets.own.pairing import Notes, has_suffix, likely_suffix, pair_masks
from fcn_core.datasets.own.ratings_table import parse_ratings
from fcn_core.datasets.own.split_lists import deal_listed
from fcn_core.labels import VOID
from fcn_core.records.record import AestheticsRecord, SegmentationRecord, keys
from pipelines import files
from pipelines.convert.config import ConvertFolderConfig
from pipelines.convert.drafts.draft import LABELS_KEY, Content, Draft, read_list
from pipelines.convert.drafts.found import UNREADABLE, Found, list_files
from pipelines.faults import UsageError


def draft_folder(config: ConvertFolderConfig) -> Draft:
    """Returns the splits of a user's own data."""
    photos, targets = map(_as_spelt, (config.input, config.targets))
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
        "split": _split_setting(config),
        **_unusual(config),
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


def _as_spelt(path: str) -> str:
    return files.as_spelt(files.to_uri(path))


def _split_setting(config: ConvertFolderConfig) -> dict[str, JsonValue]:
    if config.lists:
        return dict.fromkeys(config.lists, "listed")
    return {name: str(share) for name, share in config.shares.items()}


def _unusual(config: ConvertFolderConfig) -> dict[str, JsonValue]:
    """Returns the settings that are not as if unset; others need not be frozen."""
    names = ("void_value", "target_suffix", "exclude")
    fields = type(config).model_fields
    return {
        name: getattr(config, name)
        for name in names
        if getattr(config, name) != fields[name].default
    }


def _deal(
    config: ConvertFolderConfig,
    notes: Notes,
    rejected: Sequence[BadRecord],
    *,
    remarks: list[str],
) -> dict[str, Split]:
    """Divides entries by shares or by lists; a remark tells what no list names."""
    if not config.lists:
        return folder.deal(notes, rejected, config.shares)
    lists = {name: _read_split_list(path) for name, path in config.lists.items()}
    splits, unlisted = deal_listed(notes, rejected, lists)
    if unlisted:
        remarks.append(f"{unlisted} photos of the folder are in no --split_list")
    return splits


def _read_split_list(path: str) -> bytes:
    uri = files.to_uri(path)
    try:
        return read_list(uri)
    except FileNotFoundError as error:
        raise UsageError(
            f"--split_list {uri}: got no file there, expected a list with a name a "
            "line; check the path"
        ) from error


def _masks(
    config: ConvertFolderConfig,
    label_map: LabelMap | None,
    *,
    photos: str,
    targets: str,
) -> tuple[Content, Mapping[str, Split]]:
    if label_map is not None and config.void_value == "none":
        raise UsageError(
            "--void_value: got none with a label map, expected it without; write "
            "void: null in the map"
        )
    exclude, suffix = config.exclude, config.target_suffix
    found = list_files(photos, leave_out=(targets, config.output), exclude=exclude)
    masks = list_files(targets, leave_out=(config.output,), exclude=exclude)
    remarks = list(found.remarks)
    if files.real_path(photos) == files.real_path(targets):
        _check_can_tell(found, suffix, photos)
        found.paths = [path for path in found.paths if not _is_mask(path, suffix)]
        masks.rejected = []  # they are those of the photos
        masks.paths = [path for path in masks.paths if _is_mask(path, suffix)]
    elif suffix:
        others = [path for path in masks.paths if not has_suffix(path, suffix)]
        masks.paths = [path for path in masks.paths if has_suffix(path, suffix)]
        if others:
            remarks.append(f"{len(others)} files of --targets without {suffix} ignored")
    found.check_some(f"--input {photos}", "photos (.jpg, .jpeg or .png)")
    masks.check_some(f"--targets {targets}", "masks (.png), or name a CSV file")
    notes, rejected = pair_masks(found.paths, masks.paths, suffix=suffix)
    if not notes and not suffix:
        _suggest_suffix(found.paths, masks.paths, targets)
    bad = (*found.rejected, *masks.rejected, *rejected)
    roots = {folder.IMAGES_ROOT: photos, folder.TARGETS_ROOT: targets}
    has_void = config.void_value != "none"
    splits = _deal(config, notes, bad, remarks=remarks)
    return _mask_content(label_map, roots, remarks, has_void=has_void), splits


def _is_mask(path: str, suffix: str) -> bool:
    """Returns whether a file is a mask, where photos lie in the same folder."""
    return has_suffix(path, suffix) if suffix else path.lower().endswith(".png")


def _check_can_tell(found: Found, suffix: str, root: str) -> None:
    """Refuses one folder in which nothing tells masks from photos.

    Raises:
        UsageError: All are PNGs, and no suffix is named.
    """
    if suffix or not found.paths:
        return
    if all(path.lower().endswith(".png") for path in found.paths):
        _suggest_suffix(found.paths, found.paths, root)
        raise UsageError(
            f"--targets {root}: got photos and masks in one folder, all of them PNGs, "
            "expected masks that can be told; pass --target_suffix, or move them"
        )


def _suggest_suffix(photos: Sequence[str], masks: Sequence[str], targets: str) -> None:
    """Refuses masks none of which has its photo's name, where a suffix explains it.

    Raises:
        UsageError: It names the suffix.
    """
    if suffix := likely_suffix(photos, masks):
        raise UsageError(
            f"--targets {targets}: got masks with {suffix} behind their photos' names, "
            f"expected the same names; pass --target_suffix {suffix}"
        )


def _mask_content(
    label_map: LabelMap | None,
    roots: dict[str, str],
    remarks: list[str],
    *,
    has_void: bool,
) -> Content:
    narrower: dict[str, dict[str, JsonValue]] = {
        keys(SegmentationRecord)["source"]: {"values": ["folder"]}
    }
    settings: dict[str, JsonValue] = {"label_map": None}
    if not has_void:
        settings["has_void"] = False
    if label_map is not None:
        settings["label_map"] = label_map.model_dump(mode="json")
        narrower[LABELS_KEY] = {"maximum": max(1, len(label_map.names) - 1)}
    return Content(
        dataset="folder",
        task="segmentation",
        maker="folder-masks",
        maker_settings=settings,
        roots=roots,
        classes=list(label_map.names) if label_map is not None else None,
        void=label_map.void if label_map is not None else VOID,
        are_values_named=label_map is not None or not has_void,
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
    for flag, given in (
        ("--target_suffix", config.target_suffix),
        ("--void_value", config.void_value == "none"),
    ):
        if given:
            raise UsageError(
                f"{flag}: got one with a table of ratings, expected it with masks "
                "only; leave it out"
            )
    found = list_files(photos, leave_out=(config.output,), exclude=config.exclude)
    found.check_some(f"--input {photos}", "photos (.jpg, .jpeg or .png)")
    name = targets.rpartition("/")[2]
    try:
        ratings = parse_ratings(read_list(targets), name=name, photos=found.paths)
    except ListError as error:
        raise UsageError(f"--targets: {error}") from error
    unrated = len(found.paths) - len(ratings.notes)
    remarks = list(found.remarks)
    if unrated > 0:
        remarks.append(f"{unrated} photos of the folder have no usable row in {name}")
    closed = [bad for bad in found.rejected if bad.reason == UNREADABLE]
    bad = (*closed, *ratings.rejected)
    splits = _deal(config, ratings.notes, bad, remarks=remarks)
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
    return content, splits


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
