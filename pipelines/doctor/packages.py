"""Python and the installed packages: do their versions fit together, as pip sees it?"""

import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from typing import Final

from packaging.markers import InvalidMarker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from pipelines.doctor.finding import Finding

_PYTHONS: Final = ">=3.11,<3.13"
_OURS: Final = "fcn"
_SHOWN: Final = 3
_AGAIN: Final = (
    "install it into an environment of its own: pip install --constraint "
    "constraints.txt ."
)


def check_python() -> Finding:
    """Checks the version of Python."""
    version = platform.python_version()
    detail = f"{version}, {sys.executable}"
    if SpecifierSet(_PYTHONS).contains(version, prereleases=True):
        return Finding("ok", "python", detail)
    cure = f"use a Python {_PYTHONS}: the libraries have no builds for others"
    return Finding("wrong", "python", detail, cure)


def check_packages() -> Finding:
    """Checks that each package has what it requires, as `pip check` does.

    A conflict among what this project needs is wrong, one elsewhere a warning.
    """
    installed: dict[str, metadata.Distribution] = {
        canonicalize_name(found.metadata["Name"]): found
        for found in metadata.distributions()
        if found.metadata["Name"]
    }
    conflicts = {
        name: list(conflicts_of(found, installed)) for name, found in installed.items()
    }
    needed = _needed(installed)
    ours = [text for name in needed for text in conflicts.get(name, [])]
    others = [
        text
        for name, texts in conflicts.items()
        if name not in needed
        for text in texts
    ]
    if ours:
        return Finding("wrong", "packages", _listed(ours), _AGAIN)
    if others:
        cure = f"nothing of {_OURS} needs them; pip check lists them"
        return Finding("warning", "packages", _listed(others), cure)
    versions = ", ".join(
        f"{name} {installed[name].version}"
        for name in (_OURS, "apache-beam", "openvino", "tensorflow")
        if name in installed
    )
    return Finding("ok", "packages", f"{len(installed)} fit together: {versions}")


def _listed(texts: Iterable[str]) -> str:
    found = sorted(texts)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def _needed(installed: Mapping[str, metadata.Distribution]) -> set[str]:
    """Returns what this project is made of; all that is installed, in a checkout."""
    if _OURS not in installed:
        return set(installed)
    needed, waiting = set[str](), [_OURS]
    while waiting:
        name = waiting.pop()
        if name in needed or name not in installed:
            continue
        needed.add(name)
        extras = _extras(installed[name]) if name == _OURS else ("",)
        waiting += [
            canonicalize_name(requirement.name)
            for requirement in _requirements(installed[name], extras)
        ]
    return needed


def _extras(found: metadata.Distribution) -> tuple[str, ...]:
    return ("", *(found.metadata.get_all("Provides-Extra") or ()))


def _requirements(
    found: metadata.Distribution, extras: Iterable[str] = ("",)
) -> Iterator[Requirement]:
    """Yields what a package requires on this machine, for some of its extras."""
    for text in found.requires or ():
        try:
            requirement = Requirement(text)
        except (InvalidRequirement, InvalidMarker):  # as pip, which skips them
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": each}) for each in extras):
            yield requirement


def conflicts_of(
    found: metadata.Distribution, installed: Mapping[str, metadata.Distribution]
) -> Iterator[str]:
    """Yields what a package requires and has not, in a few words each.

    Args:
        found: The package.
        installed: All packages by their normalized names.
    """
    name = found.metadata["Name"]
    always = list(_requirements(found))
    asked = always
    if canonicalize_name(name) == _OURS:  # of its extras, what is there must fit
        asked = list(_requirements(found, _extras(found)))
    for requirement in asked:
        there = installed.get(canonicalize_name(requirement.name))
        if there is None:
            if requirement in always:
                yield f"{name} requires {requirement.name}, which is missing"
        elif not _fits(requirement.specifier, there.version):
            needs = f"{requirement.name}{requirement.specifier}"
            yield f"{name} requires {needs}, got {there.version}"


def _fits(wanted: SpecifierSet, version: str) -> bool:
    try:
        return wanted.contains(version, prereleases=True)
    except InvalidVersion:
        return True
