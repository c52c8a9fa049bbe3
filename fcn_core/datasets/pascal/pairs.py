"""Photo and label to a record, for Pascal VOC's pairs and SBD's.

Which of the two an id's label comes from is the entry's note: "voc" or "sbd".
"""

from collections.abc import Sequence
from typing import Final

from fcn_core import images
from fcn_core.datasets.label_files.mat import read_label_mat
from fcn_core.datasets.label_files.palette_png import read_label_png
from fcn_core.datasets.listing import Entry
from fcn_core.datasets.makers import Needed, Place
from fcn_core.datasets.pascal import sbd, voc
from fcn_core.datasets.photo import Photo, check_photo, check_upright
from fcn_core.labels import VOC_CLASSES
from fcn_core.records.record import SegmentationRecord

VOC_ROOT: Final = "voc"
SBD_ROOT: Final = "sbd"


class PairMaker:
    """Makes records of VOC's and SBD's pairs.

    Args:
        void_rim: Pixels of void on either side of SBD's boundaries; 0 for none.
    """

    def __init__(self, *, void_rim: int = 0):
        self._void_rim = void_rim

    def files(self, entry: Entry) -> tuple[Needed, ...]:
        """Returns photo and label; SBD's photos are VOC's, so either tree will do."""
        photos = tuple(Place(VOC_ROOT, path) for path in voc.image_paths(entry.id))
        if entry.note == "sbd":
            photos = (Place(SBD_ROOT, sbd.image_path(entry.id)), *photos)
            label = Place(SBD_ROOT, sbd.label_path(entry.id))
        else:
            label = Place(VOC_ROOT, voc.label_path(entry.id))
        return Needed(photos, "missing-image"), Needed((label,), "missing-label")

    def make(self, entry: Entry, contents: Sequence[bytes]) -> SegmentationRecord:
        """Checks one pair; see `makers.Maker.make`."""
        image_bytes, label_bytes = contents
        if entry.note == "sbd":
            photo = _upright_photo(image_bytes, sbd.image_path(entry.id))
            class_map, classes = read_label_mat(
                label_bytes,
                height=photo.height,
                width=photo.width,
                num_classes=len(VOC_CLASSES),
                path=sbd.label_path(entry.id),
                void_rim=self._void_rim,
            )
            label = images.encode_grey(class_map)
        else:
            photo = _upright_photo(image_bytes, voc.image_path(entry.id))
            label, classes = read_label_png(
                label_bytes,
                height=photo.height,
                width=photo.width,
                num_classes=len(VOC_CLASSES),
                path=voc.label_path(entry.id),
            )
        return SegmentationRecord(
            **photo.fields(),
            label=label,
            classes=classes,
            source_id=entry.id,
            filename=f"{entry.id}.jpg",
            source=entry.note,
        )


def _upright_photo(data: bytes, path: str) -> Photo:
    photo = check_photo(data, path=path)
    check_upright(photo, path=path)
    return photo
