"""Which versions of packages a model or a run came from, for its records."""

from importlib import metadata


def versions_of(*packages: str) -> dict[str, str]:
    """Returns the versions of those packages that are installed, by name."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
