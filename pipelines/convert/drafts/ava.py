"""What `fcn convert ava` asks for."""

import dataclasses

from pydantic import JsonValue

from fcn_core.datasets.ava import lists, protocols
from fcn_core.datasets.ava.table import (
    MAX_TAG,
    TABLE_NAME,
    Table,
    parse_table,
)
from fcn_core.datasets.bad_record import MissingDatasetError
from fcn_core.datasets.listing import Listing
from fcn_core.datasets.makers import IMAGES_ROOT
from fcn_core.labels import RATING_BINS
from fcn_core.records.record import AestheticsRecord, keys
from pipelines import files
from pipelines.convert.config import ConvertAvaConfig
from pipelines.convert.drafts.draft import Content, Draft, keep_splits, read_list
from pipelines.faults import UsageError


def draft_ava(config: ConvertAvaConfig) -> Draft:
    """Returns AVA's splits."""
    table_uri, root = _table(files.to_uri(config.input))
    images = files.to_uri(config.images)
    if not files.exists(images):
        raise UsageError(
            f"--images {images}: got nothing there, expected the folder of AVA's "
            "photos, <id>.jpg; check the path"
        )
    protocol = config.protocol
    if protocol is None and protocols.has_test_list(root, read_list):
        protocol = "official"
    _check_used(config, protocol)
    table = parse_table(read_list(table_uri))
    if not table.rows:
        raise MissingDatasetError(
            f"{table_uri}: got no row of a photo's votes, expected lines of 15 numbers "
            "as in AVA.txt of the AVA package; check the path"
        )
    listing = _list_splits(config, table, protocol=protocol, root=root)
    settings: dict[str, JsonValue] = {
        "dataset": "ava",
        "input": table_uri,
        "images": images,
        "protocol": protocol,
        "split": list(listing.splits),
    }
    if protocol == "ava1":
        settings["delta"] = str(config.distance)
    if protocol == "ava2":
        settings["seed"] = config.seed
    return Draft(_content(listing, root, images), listing.splits, settings)


def _table(uri: str) -> tuple[str, str]:
    """Returns the table's URI and its folder, whichever of the two was named."""
    if not files.is_file(uri) and not uri.endswith(".txt"):
        uri = files.join(uri, TABLE_NAME)
    if not files.is_file(uri):
        raise MissingDatasetError(
            f"{uri}: got nothing there, expected {TABLE_NAME} of the AVA package "
            "(255,530 lines, 15 columns); check the path"
        )
    return uri, uri.rpartition("/")[0]


def _check_used(config: ConvertAvaConfig, protocol: str | None) -> None:
    """Refuses settings of another protocol: they would be thought to be obeyed."""
    for flag, value, owner in (
        ("delta", config.distance, "ava1"),
        ("seed", config.seed, "ava2"),
    ):
        if value and protocol != owner:
            raise UsageError(
                f"--{flag}: got {getattr(config, flag)} with protocol "
                f"{protocol or 'none'}, expected --protocol {owner}; leave --{flag} out"
            )


def _list_splits(
    config: ConvertAvaConfig,
    table: Table,
    *,
    protocol: protocols.Protocol | None,
    root: str,
) -> Listing:
    styles = lists.read_styles(root, read_list)
    if protocol == "ava2":
        listing = protocols.best_and_worst(table, styles, seed=config.seed)
        expected = "train or test of --protocol ava2"
        return keep_splits(listing, config.split, expected=expected)
    if protocol is None and not config.split:
        return protocols.everything(table, styles)
    return protocols.by_list(
        table,
        styles,
        root=root,
        read=read_list,
        names=sorted(config.split or ("train", "test")),
        protocol=protocol or "official",
        delta=config.distance,
    )


def _content(listing: Listing, root: str, images: str) -> Content:
    names, key = lists.read_names(root, read_list), keys(AestheticsRecord)
    return Content(
        dataset="ava",
        task="aesthetics",
        maker="ava",
        maker_settings={},
        roots={IMAGES_ROOT: images},
        classes=None,
        void=None,
        names={
            kind: {str(number): name for number, name in found.items()}
            for kind, found in dataclasses.asdict(names).items()
            if found
        },
        narrower={
            key["votes"]: {"lengths": [len(RATING_BINS)]},
            key["vote_count"]: {"minimum": 1},
            key["tags"]: {"maximum": MAX_TAG},
            key["styles"]: {"maximum": lists.NUM_STYLES},
        },
        remarks=list(listing.remarks),
    )
