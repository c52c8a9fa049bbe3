"""Numbers as people read them."""

import pytest

from pipelines.pages.page import duration, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (0.0001, "<0.1%"),
        (0.0345, "3.5%"),
        (0.099, "9.9%"),
        (0.0996, "10%"),
        (0.5, "50%"),
        (0.996, "99.6%"),
        (0.99999, ">99.9%"),
        (1, "100%"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.96, "1 min 0 s"),
        (83.4, "1 min 23 s"),
        (27130, "7 h 32 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
