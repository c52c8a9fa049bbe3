"""In which order files run."""

import pytest

_FIRST = ("test_readme.py", "test_demo.py")
"""Files that take minutes; begun last, one process would end long after the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _FIRST)
