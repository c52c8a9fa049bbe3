"""What masks were taken for, in words, and what cannot be meant."""

import pytest

from pipelines.convert import understood


def test_classes_and_void_in_one_line() -> None:
    text = understood.text({0: 700, 2: 200, 255: 100}, classes="abc", void=255)
    assert text == "2 classes (a 70.0%, c 20.0%), void 10.0%"
    assert understood.text({1: 5}, classes="ab", void=None).startswith("1 class (b 1")
    many = {number: 100 - number for number in range(12)}
    text = understood.text(many, classes="abcdefghijkl", void=255)
    assert text.startswith("12 classes (a 8.8%, ") and "4 more), void 0.0%" in text


@pytest.mark.parametrize(
    "pixels",
    [{}, {0: 1, 1: 1}, {0: 10, 1: 1, 255: 80}, {0: 1, 1: 1, 2: 1, 255: 1}],
)
def test_what_can_be_meant(pixels: dict[int, int]) -> None:
    assert understood.doubt(pixels) is None


@pytest.mark.parametrize(
    ("pixels", "what", "is_void_in_question"),
    [
        ({0: 75, 255: 25}, "one class, the value 0, and 25.0% void", True),
        ({0: 75}, "one class, the value 0, and 0.0% void", False),
        ({0: 4, 1: 4, 255: 92}, "92.0% of the pixels are void", True),
        (
            {0: 1, 1: 1, 3: 1, 255: 1},
            "the values 0, 1, 3 as class ids, without 2",
            False,
        ),
        ({1: 1, 2: 1}, "the values 1, 2 as class ids, without 0", False),
        ({0: 1, 254: 1}, "without 1, 2, 3, 4, 5, 6, 7, 8, ... below", False),
    ],
)
def test_what_cannot(
    pixels: dict[int, int], what: str, is_void_in_question: bool
) -> None:
    doubt = understood.doubt(pixels)
    assert doubt is not None and what in doubt
    assert "--label_map" in doubt
    assert ("--void_value none" in doubt) == is_void_in_question
