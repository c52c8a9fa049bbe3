"""The docs name files and modules that exist, and the picture has every room."""

import re
from pathlib import Path

import pytest

from tests.test_architecture import CORE_ROOMS, JOBS, PIPELINE_ROOMS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text("utf-8")
PICTURE = (ROOT / "docs/architecture.svg").read_text("utf-8")
ITEMS = re.split(r"\n\n|\n(?=\||- |\d+\. )", ARCHITECTURE)
"""Paragraphs, points of lists and rows of tables."""

OURS = r"(?:fcn_core|pipelines|tests|benchmarks|docs)"


def _names(item: str) -> list[str]:
    """Returns the names of our files and folders in an item."""
    spans = re.findall(r"`([\w./-]+)`", item)
    ends = ("/", ".py", ".md", ".txt", ".yaml", ".toml")
    return [name for name in spans if name.endswith(ends) and name[:4] != "OUT/"]


def _folders(item: str) -> list[Path]:
    """Returns where an item's short names may lie: in the folders that it names."""
    paths = [ROOT / name for name in _names(item) if "/" in name.rstrip("/")]
    named = [path if path.is_dir() else path.parent for path in paths]
    return [ROOT, *(named or [ROOT / "pipelines/score"])]


def _has(dotted: str) -> bool:
    """Whether a dotted name is a module, or a name that its module contains."""
    path = ROOT.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    files = (path.parent.with_suffix(".py"), path.parent / "__init__.py")
    texts = [file.read_text("utf-8") for file in files if file.is_file()]
    return any(re.search(rf"\b{path.name}\b", text) for text in texts)


@pytest.mark.parametrize("item", [item for item in ITEMS if _names(item)])
def test_what_the_architecture_page_names_exists(item: str) -> None:
    folders = _folders(item)
    missing = [n for n in _names(item) if not any((f / n).exists() for f in folders)]
    assert missing == []


def test_the_items_are_found() -> None:
    assert len([name for item in ITEMS for name in _names(item)]) > 80


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    paths = re.findall(rf"`({OURS}/[\w./-]+)`", text)
    modules = re.findall(rf"(?:`|\s)({OURS}(?:\.\w+)+)", text)
    missing = [name for name in paths if not (ROOT / name).exists()]
    assert missing + [name for name in modules if not _has(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_page_shows_the_picture() -> None:
    assert "](architecture.svg)" in ARCHITECTURE


def test_the_picture_has_every_room() -> None:
    names = set(re.findall(r'<text class="name"[^>]*>([^<]+)<', PICTURE))
    assert {*CORE_ROOMS, *PIPELINE_ROOMS, *JOBS} - {"ground", "JOBS"} <= names
