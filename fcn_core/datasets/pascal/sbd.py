"""SBD, the Semantic Boundaries Dataset: folders and lists of `benchmark_RELEASE`.

Layout below the root (benchmark_RELEASE/dataset): `img/<id>.jpg`, `cls/<id>.mat`,
`<split>.txt`. The ids are Pascal VOC's. Its labels have no void: an object's border is
a hard edge between its class and what lies behind.
"""

from typing import Final

from fcn_core.datasets.bad_record import MissingDatasetError
from fcn_core.datasets.listing import Split
from fcn_core.datasets.makers import Read
from fcn_core.datasets.pascal.voc import ID
from fcn_core.datasets.splits import IdList, read_ids, read_list

PUBLISHED: Final = {"train": 8498, "val": 2857}
"""How many ids the complete lists have."""

ARCHIVE: Final = "benchmark.tgz (md5 82b4d87ceb2ed10f6038a1cba92111cb)"
"""Where the tree comes from."""


def list_path(split: str) -> str:
    """Returns where the list of a split lies, relative to the root."""
    return f"{split}.txt"


def image_path(source_id: str) -> str:
    """Returns where the photo of an id lies, relative to the root."""
    return f"img/{source_id}.jpg"


def label_path(source_id: str) -> str:
    """Returns where the class label of an id lies, relative to the root."""
    return f"cls/{source_id}.mat"


def splits_present(root: str, read: Read) -> tuple[str, ...]:
    """Returns which of train and val have a list: what is converted by default.

    Raises:
        MissingDatasetError: None has.
    """
    names = ("train", "val")
    found = tuple(n for n in names if read_list(root, list_path(n), read) is not None)
    if not found:
        raise _missing(root, "{train,val}.txt")
    return found


def split_ids(root: str, split: str, read: Read) -> IdList:
    """Returns the ids of a split, in list order.

    Raises:
        MissingDatasetError: No such list.
    """
    ids = read_ids(root, list_path(split), read, pattern=ID)
    if ids is None:
        raise _missing(root, list_path(split))
    return ids


def list_split(root: str, split: str, read: Read) -> Split:
    """Returns a split as it is to be converted.

    Raises:
        MissingDatasetError: No such list.
    """
    listed = split_ids(root, split, read)
    return Split(
        ids=listed.ids,
        notes=("sbd",) * len(listed.ids),
        rejected=listed.rejected,
        published=PUBLISHED.get(split),
    )


def _missing(root: str, path: str) -> MissingDatasetError:
    return MissingDatasetError(
        f"{root}: got no {path}, expected the folder benchmark_RELEASE/dataset of SBD "
        f"(img, cls and lists); unpack {ARCHIVE} and name that folder"
    )
