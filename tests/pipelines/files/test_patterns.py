"""Patterns mean in a bucket what they mean on a disk."""

import glob
import os
from pathlib import Path

import pytest

from pipelines.files.patterns import fixed_folder, matches

NAMES = [
    "a.jpg",
    "b.jpg",
    ".hidden.jpg",
    "x/a.jpg",
    "x/y/a.jpg",
    "x/.z/a.jpg",
    "x/y/.b.jpg",
    "[a].jpg",
    "a\nb.jpg",
]


PATTERNS = [
    "*.jpg",
    "**/*.jpg",
    "x/*",
    "x/**",
    "*/a.jpg",
    "**/y/*.jpg",
    "?.jpg",
    "[ab].jpg",
    "[!a].jpg",
    "x/.z/*",
    ".*",
    "**",
    "x/**/a.jpg",
    "[[]a].jpg",
    "none*",
    "a?b.jpg",
]


@pytest.mark.parametrize(
    "pattern",
    PATTERNS,
)
def test_as_on_a_disk(tmp_path: Path, pattern: str) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {
        os.path.relpath(name, tmp_path)
        for name in glob.iglob(f"{tmp_path}/{pattern}", recursive=True)  # noqa: PTH207
        if not Path(name).is_dir()
    }
    assert {name for name in NAMES if matches(name, pattern)} == found


def test_the_folder_of_a_pattern() -> None:
    assert fixed_folder("gs://bkt/in/2026-*/x.jpg") == "gs://bkt/in"
    assert fixed_folder("/a/b?.jpg") == "/a"
    assert fixed_folder("*.jpg") == "."
