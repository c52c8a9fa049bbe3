import pickle
import traceback

import pytest

from fcn_core.bad_image import REASONS, TRANSIENT_REASONS, BadImage, clean_detail


def test_reasons_are_a_closed_list() -> None:
    assert TRANSIENT_REASONS < REASONS
    assert len(REASONS) == 24
    with pytest.raises(ValueError, match="expected one of"):
        BadImage("ugly", "too ugly")
    with pytest.raises(ValueError, match="stage is 'paint'"):
        BadImage("corrupt", "detail", stage="paint")


def test_crosses_process_borders_whole() -> None:
    error = pickle.loads(pickle.dumps(BadImage("timeout", "10 s", stage="score")))
    assert isinstance(error, BadImage)
    assert (error.reason, error.detail, error.stage) == ("timeout", "10 s", "score")
    assert str(error) == "timeout: 10 s"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (
            "cannot identify <_io.BytesIO object at 0x7f3a2b>",
            "cannot identify the data",
        ),
        ("bad pointer 0x7ffdeadbeef0", "bad pointer 0x..."),
        ("Unsupported SOF type 0xc9", "Unsupported SOF type 0xc9"),
        ("No such file: '/home/an na/photo.jpg'", "No such file: <path>"),
        ("cannot open /tmp/a-b/c.so.6: no", "cannot open <path>: no"),
        (r"cannot open C:\Users\anna\x.jpg", "cannot open <path>"),
        ("see file:///home/anna/x.jpg", "see <path>"),
        ("12 of 16/32 bits, 1:1", "12 of 16/32 bits, 1:1"),
        ("gs://bucket/photos/x.jpg is gone", "gs://bucket/photos/x.jpg is gone"),
        ("two\n lines\tand\x1b[31m colour", "two lines and?[31m colour"),
        ("größer", "gr??er"),
    ],
)
def test_details_are_cleaned(text: str, cleaned: str) -> None:
    assert clean_detail(text) == cleaned
    assert BadImage("corrupt", text).detail == cleaned


def test_details_are_short_printable_ascii() -> None:
    detail = clean_detail("".join(map(chr, range(3_000))) * 10)
    assert len(detail) == 200
    assert detail.isascii()
    assert detail.isprintable()


def test_of_a_traceback_only_the_last_line_stays() -> None:
    try:
        raise OSError("image file is truncated")
    except OSError:
        text = traceback.format_exc()
    assert clean_detail(text) == "OSError: image file is truncated"
