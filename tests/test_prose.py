"""The prose of code and docs, as far as a program can check it: sections and words."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("fcn_core", "pipelines", "tests", "benchmarks")
SOURCES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if path != Path(__file__)  # it spells what it forbids
]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]

SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields):(.*)")
ENTRY = re.compile(r"(?P<name>[\w.*`, ]+?)(?: \([^)]*\))?:(?:\s+(?P<text>.*))?$", re.S)
BEGINNING = re.compile(r"[A-Z`\d\"']|-\d|(u?int|float)\d+\b|bool\b|sha256\b")
"""A capital, or what has none: a number, a quotation, a dtype, a hash."""

ENDING = re.compile(r"\.[)\"'`]*$")

_GAP = r"[\s#\"']+"  # lines may break between two words, also in a comment or a string
UNUSED_PHRASES = [
    re.compile(rf"\b{phrase.replace(' ', _GAP)}\b", re.IGNORECASE)
    for phrase in (
        "all the same",
        "by hand",
        "nights of before",
        "seeds",
        "what became of",
        "whoever made",
    )
]
UNUSED_NAMES = {"said", "seeds", "told"}
NUMBERED_TEST = re.compile(r"test_row\d+")


class Docstring(NamedTuple):
    """A docstring without its indentation, and the line on which it begins."""

    line: int
    text: str


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _docstrings(tree: ast.Module) -> Iterator[Docstring]:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, documented) and (text := ast.get_docstring(node)):
            yield Docstring(node.body[0].lineno, text)


def _sections(text: str) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yields the line of a section, its name, what follows its colon, its body."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if head := SECTION.match(line):
            rest = lines[number + 1 :]
            ends = (n for n, below in enumerate(rest) if below[:1].strip())
            yield number, head[1], head[2], rest[: next(ends, None)]


def _entries(body: list[str]) -> Iterator[str]:
    """Yields the entries of a section: lines indented by 4, with what is below them."""
    numbers: list[int] = []
    for line in body:
        begins = line[:4] == " " * 4 and line[4:5].strip() != ""
        numbers.append((numbers[-1] if numbers else 0) + begins)
    for _, lines in groupby(zip(numbers, body, strict=True), key=lambda pair: pair[0]):
        yield inspect.cleandoc("\n".join(line for _, line in lines))


def _complaint(text: str | None) -> str | None:
    """Returns what is wrong with the text of an entry."""
    if not text or not text.strip():
        return "has no text"
    if not BEGINNING.match(text):
        return "does not begin with a capital"
    if not ENDING.search(text.rstrip()):
        return "does not end with a full stop"
    return None


def _complaints(name: str, after: str, body: list[str]) -> Iterator[str]:
    """Yields what is wrong with a section."""
    filled = [line for line in body if line.strip()]
    if after.strip() or not filled:
        yield f"{name}: its text does not begin on the next line"
        return
    if any(line[:4].strip() for line in filled) or not filled[0][4:5].strip():
        yield f"{name}: not indented by 4"
        return
    if name in ("Returns", "Yields"):
        if complaint := _complaint(inspect.cleandoc("\n".join(body))):
            yield f"{name}: {complaint}"
        return
    for text in _entries(body):
        entry = ENTRY.match(text)
        if entry is None:
            yield f"{name}: got {text.splitlines()[0]!r}, expected `name: text`"
        elif complaint := _complaint(entry["text"]):
            yield f"{name}: {entry['name']} {complaint}"


def wrong_sections(source: ast.Module) -> list[str]:
    """Returns what is wrong with the sections of a module's docstrings."""
    return [
        f"{docstring.line + line}: {complaint}"
        for docstring in _docstrings(source)
        for line, name, after, body in _sections(docstring.text)
        for complaint in _complaints(name, after, body)
    ]


def unused_phrases(text: str) -> list[str]:
    """Returns where a text has phrases that are not used here."""
    return [
        f"{text.count(chr(10), 0, found.start()) + 1}: {found[0]!r}"
        for phrase in UNUSED_PHRASES
        for found in phrase.finditer(text)
    ]


def _identifiers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yields line and name of everything that a module names."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.Name(id=name) if isinstance(node.ctx, ast.Store):
                yield node.lineno, name
            case ast.Attribute(attr=name) if isinstance(node.ctx, ast.Store):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name


def unused_names(tree: ast.Module) -> list[str]:
    """Returns which names of a module have a word that is not used here."""
    return [
        f"{line}: {name}"
        for line, name in _identifiers(tree)
        if UNUSED_NAMES & set(name.split("_")) or NUMBERED_TEST.match(name)
    ]


def _in(path: Path, findings: list[str]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{finding}" for finding in findings]


@pytest.mark.parametrize("package", PACKAGES)
def test_sections_of_docstrings_have_one_form(package: str) -> None:
    sources = [path for path in SOURCES if path.is_relative_to(ROOT / package)]
    assert sources
    wrong = [text for p in sources for text in _in(p, wrong_sections(_tree(p)))]
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES)
def test_names_use_plain_words(package: str) -> None:
    sources = [path for path in SOURCES if path.is_relative_to(ROOT / package)]
    assert [text for p in sources for text in _in(p, unused_names(_tree(p)))] == []


@pytest.mark.parametrize("package", [*PACKAGES, "docs"])
def test_prose_uses_plain_words(package: str) -> None:
    texts = PAGES if package == "docs" else SOURCES
    texts = [p for p in texts if package == "docs" or ROOT / package in p.parents]
    found = [text for p in texts for text in _in(p, unused_phrases(p.read_text()))]
    assert found == []


GOOD = '''
def scale(pixels, factor):
    """Scales pixels.

    Args:
        pixels: `[H, W, 3]`.
        factor: Of the sides; a second line
            goes on below.

    Returns:
        The pixels, scaled.

    Raises:
        ValueError: 0 or less was given.
    """
'''


def test_the_check_accepts_a_good_docstring() -> None:
    assert wrong_sections(ast.parse(GOOD)) == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("factor: Of", "factor: of", "7: Args: factor does not begin with a capital"),
        ("on below.", "on below", "7: Args: factor does not end with a full stop"),
        ("The pixels, scaled.", "the pixels.", "does not begin with a capital"),
        ("        ValueError", "      ValueError", "Raises: not indented by 4"),
        ("        The pixels", "            The pixels", "Returns: not indented by 4"),
        ("Returns:\n        The", "Returns: The", "does not begin on the next line"),
        ("pixels: `[", "pixels `[", "expected `name: text`"),
    ],
)
def test_the_check_finds_what_is_wrong(old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    (found,) = wrong_sections(ast.parse(GOOD.replace(old, new)))
    assert complaint.partition(": ")[2] in found


def test_the_check_finds_words() -> None:
    assert unused_phrases("# none of the\n# seeds; all\n# the same") == [
        "2: 'all\\n# the same'",
        "2: 'seeds'",
    ]
    assert unused_phrases("seed = 1  # the same seed, handled") == []
    source = "def told_plainly(said_once): pass\ndef test_row12_x(): retold = 1"
    assert unused_names(ast.parse(source)) == [
        "1: told_plainly",
        "2: test_row12_x",
        "1: said_once",
    ]
