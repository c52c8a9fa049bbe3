"""Gates: when a night may be published."""

import pytest

from pipelines.chunks import gates


@pytest.mark.parametrize(
    ("planned", "failed", "rate"),
    [
        (0, 0, 0.05),
        (1, 0, 0.0),
        (199, 198, 0.0),  # below 200 only "nothing succeeded" counts
        (200, 10, 0.05),
        (200, 0, 0.0),
        (1000, 1000, 1.0),
        (3, 3, 1.0),  # all may fail where that is asked for
    ],
)
def test_a_night_that_may_be_published(planned: int, failed: int, rate: float) -> None:
    assert gates.check(planned=planned, failed=failed, max_error_rate=rate) is None


@pytest.mark.parametrize(
    ("planned", "failed", "rate", "why"),
    [
        (1, 1, 0.05, "none of 1 succeeded"),
        (199, 199, 0.99, "none of 199 succeeded"),
        (200, 11, 0.05, "11 of 200 failed (5.5%), expected at most 5.0%"),
        (200, 1, 0.0, "1 of 200 failed (0.5%), expected at most 0.0%"),
        (1000, 1000, 0.999, "1000 of 1000 failed (100.0%), expected at most 99.9%"),
    ],
)
def test_a_night_that_may_not(planned: int, failed: int, rate: float, why: str) -> None:
    assert gates.check(planned=planned, failed=failed, max_error_rate=rate) == why


@pytest.mark.parametrize(
    ("planned", "failed", "unread", "lost", "why"),
    [
        (6, 0, 1, 0, None),  # a closed folder does not end a small night
        (6, 6, 1, 0, "none of 7 succeeded"),
        (1000, 0, 50, 0, None),
        (1000, 3, 50, 0, "53 of 1050 failed (5.0%), expected at most 5.0%"),
        (9, 0, 0, 1, "about 1 of 10 are lost (10.0%), expected at most 5.0%"),
        (1000, 0, 0, 5, None),
        (1000, 50, 0, 5, "55 of 1005 failed (5.5%), expected at most 5.0%"),
    ],
)
def test_what_could_not_be_read_counts(
    planned: int, failed: int, unread: int, lost: int, why: str | None
) -> None:
    got = gates.check(
        planned=planned, failed=failed, max_error_rate=0.05, unread=unread, lost=lost
    )
    assert got == why or (why is not None and got is not None and got.startswith(why))


USUAL = [1000, 900, 1100, 1000]


@pytest.mark.parametrize(
    ("planned", "usual", "closed"),
    [
        (1000, USUAL, []),
        (50, USUAL, []),
        (49, USUAL, ["min_input"]),
        (5000, USUAL, []),
        (5001, USUAL, ["max_input"]),
        (0, USUAL, []),  # an empty night is no fault
        (9000, USUAL[:2], []),  # too few nights to know what is usual
        (190, [3, 4, 2], []),  # a small night is never too large
        (201, [3, 4, 2], ["max_input"]),
        (1, [150, 150, 150], []),  # nor do small nights tell what is too small
    ],
)
def test_the_size_of_a_night(planned: int, usual: list[int], closed: list[str]) -> None:
    found = gates.input_size(planned, usual, smallest=0.05, largest=5)
    assert [gate.name for gate in found if gate.closed] == closed


def test_the_sentence_of_a_gate() -> None:
    (gate,) = gates.input_size(5001, USUAL, smallest=None, largest=5)
    text = "new photos (5 times the usual 1000): got 5001, expected at most 5000"
    assert gate.why == text
    assert (gate.got, gate.limit) == (5001, 5000)
    least = gates.at_least("free_disk", 0.25, 1, what="free disk", unit=" GB")
    assert least.why == "free disk: got 0.25 GB, expected at least 1 GB"
    assert least.closed
