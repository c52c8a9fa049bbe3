"""What walks leave out, whatever the store."""

import pytest

from pipelines.files.survey import Survey, entering


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("a.jpg", False),
        ("b/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", True),
        ("@EADIR/a.jpg", True),
        ("$Recycle.Bin/S-1-5/$R1.jpg", True),
        ("System Volume Information/a.jpg", True),
        ("a@eaDir/a.jpg", False),
        ("@eaDir", False),  # a file of that name
    ],
)
def test_paths_below_folders_of_a_system(path: str, left_out: bool) -> None:
    assert Survey().leaves_out_path(path) == left_out


def test_a_folder_counts_once_however_many_files_it_has() -> None:
    survey = Survey(exclude=("old", "*.tmp.jpg"))
    for number in range(5):
        assert survey.leaves_out_path(f"x/@eaDir/{number}.jpg")
        assert survey.leaves_out_path(f"old/{number}.jpg")
        assert survey.leaves_out_path(f"x/{number}.tmp.jpg")
        assert not survey.leaves_out_path(f"x/{number}.jpg")
    assert survey.left_out == {"@eaDir": 1, "old": 1, "*.tmp.jpg": 5}


def test_what_a_person_names_is_entered() -> None:
    wanted = entering(["photos", "@EADIR", "*.jpg"])
    assert wanted == {"@eaDir"}
    survey = Survey(wanted=wanted)
    assert not survey.leaves_out_path("@eaDir/a.jpg")
    assert survey.leaves_out_path("#recycle/a.jpg")


@pytest.mark.parametrize(
    ("pattern", "path", "left_out"),
    [
        ("thumbs", "a/thumbs/b.jpg", True),
        ("thumbs", "a/thumbs.jpg", False),
        ("thumb*", "a/thumbs.jpg", True),
        ("a/*/b.jpg", "a/x/b.jpg", True),
        ("a/*/b.jpg", "c/a/x/b.jpg", False),
        ("a/thumbs/", "a/thumbs/b.jpg", True),
        ("*/thumbs", "a/thumbs/b.jpg", True),
        ("[ab].jpg", "x/a.jpg", True),
    ],
)
def test_patterns(pattern: str, path: str, left_out: bool) -> None:
    assert Survey(exclude=(pattern,)).leaves_out_path(path) == left_out
