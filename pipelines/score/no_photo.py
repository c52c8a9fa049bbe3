"""Why an input has no photo, in one line for people."""

from fcn_core.images.extensions import PHOTO_EXTENSIONS
from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import manifests
from pipelines.score.unread import Aside, left_out_text, unread_text


class NoMatch(UsageError):
    """A pattern that nothing matches.

    Args:
        pattern: The pattern.
        aside: What there was on the way to it.
    """

    def __init__(self, pattern: str, aside: Aside):
        super().__init__(
            f"--input {pattern}: got no match, expected at least one photo; "
            "quote the pattern and check it with ls"
        )
        self.aside = aside


def is_records(uri: str) -> bool:
    """Returns whether a file has records, by its name."""
    return ".tfrecord" in files.name_of(uri)


def why_no_photo(uri: str, aside: Aside) -> str:
    """Returns why there is nothing to score.

    Args:
        uri: The input.
        aside: What it has besides photos.
    """
    if aside.unread:
        text = unread_text(aside.unread, len(aside.unread))
        return f"got no photo, but {text}, expected photos; mend that or its rights"
    if manifests.is_manifest(uri) and not (files.is_pattern(uri) or aside.left_out):
        return "got no photo in that list, expected at least one; check what wrote it"
    if is_records(uri):
        return "got no photo in that file, expected at least one; check what wrote it"
    others = f" among {aside.ignored} files" if aside.ignored else ""
    if aside.left_out:
        others += f" ({left_out_text(aside.left_out)})"
    extensions = ", ".join(sorted(PHOTO_EXTENSIONS))
    return (
        f"got no photo{others}, expected files ending in {extensions}; check the path"
    )
