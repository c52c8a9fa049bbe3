"""docs/architecture.md names files that exist, and its picture every room."""

import re
from pathlib import Path

import pytest

from tests.test_architecture import CORE_ROOMS, JOBS, PIPELINE_ROOMS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
PICTURE = (ROOT / "docs/architecture.svg").read_text("utf-8")
ITEMS = re.split(r"\n\n|\n(?=\||- |\d+\. )", PAGE)
"""Paragraphs, points of lists and rows of tables."""


def _names(item: str) -> list[str]:
    """Returns what stands in an item as the name of a file or folder of ours."""
    spans = re.findall(r"`([\w./-]+)`", item)
    ends = ("/", ".py", ".md", ".txt", ".yaml", ".toml")
    return [name for name in spans if name.endswith(ends) and name[:4] != "OUT/"]


def _folders(item: str) -> list[Path]:
    """Returns where short names of an item may lie: in the folders that it names."""
    paths = [ROOT / name for name in _names(item) if "/" in name.rstrip("/")]
    named = [path if path.is_dir() else path.parent for path in paths]
    return [ROOT, *(named or [ROOT / "pipelines/score"])]


@pytest.mark.parametrize("item", [item for item in ITEMS if _names(item)])
def test_what_it_names_exists(item: str) -> None:
    folders = _folders(item)
    missing = [n for n in _names(item) if not any((f / n).exists() for f in folders)]
    assert missing == []


def test_the_items_are_found() -> None:
    assert len([name for item in ITEMS for name in _names(item)]) > 80


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert "architecture.svg" in targets
    assert [name for name in targets if not (ROOT / "docs" / name).exists()] == []


def test_the_picture_has_every_room() -> None:
    names = set(re.findall(r'<text class="name"[^>]*>([^<]+)<', PICTURE))
    assert {*CORE_ROOMS, *PIPELINE_ROOMS, *JOBS} - {"ground", "JOBS"} <= names
