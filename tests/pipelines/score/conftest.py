"""The folder that tests of listed photos begin with."""

from pathlib import Path

import pytest

from tests.runs.listings import touch


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of photos, with what a real one has beside them."""
    root = tmp_path / "photos"
    touch(
        root,
        "a.jpg",
        "B.JPEG",
        "sub/deep/c.Png",
        "sub/d.webp",
        "iphone.HEIC",
        "raw.cr2",
        "notes.txt",
        "movie.mp4",
        "jpg",  # a name, not an extension
        ".hidden.jpg",
        "._a.jpg",  # what a Mac leaves beside a.jpg
        ".thumbnails/a.jpg",
    )
    return root
