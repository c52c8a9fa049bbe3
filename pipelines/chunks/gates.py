"""Whether a result may be published: the threshold on failures, and its sentence."""

SMALL_NIGHT = 200
"""Below this many items one bad photo in twenty is no sign of a fault."""


def check(
    *,
    planned: int,
    failed: int,
    max_error_rate: float,
    unread: int = 0,
    lost: int = 0,
) -> str | None:
    """Returns why a night must not be published; None where it may.

    Args:
        planned: Items of the night.
        failed: Items without a result.
        max_error_rate: Largest share of failed items, 0 to 1.
        unread: Places whose items nobody could list; each counts as a failed one.
        lost: Items that are known to be lost; however small the night, they count.
    """
    if planned == 0:
        return None
    if lost > max_error_rate * (planned + lost):
        return (
            f"about {lost} of {planned + lost} are lost "
            f"({lost / (planned + lost):.1%}), expected at most {max_error_rate:.1%}"
        )
    if unread or lost:
        planned, failed = planned + unread + lost, failed + unread + lost
    if planned < SMALL_NIGHT:
        if failed == planned and max_error_rate < 1:
            return f"none of {planned} succeeded"
        return None
    if failed > max_error_rate * planned:
        return (
            f"{failed} of {planned} failed ({failed / planned:.1%}), expected at most "
            f"{max_error_rate:.1%}"
        )
    return None
