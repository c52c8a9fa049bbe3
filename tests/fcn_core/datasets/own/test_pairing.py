"""Pairing of photos and masks by their names."""

import json
import unicodedata

from fcn_core.datasets.own.pairing import has_suffix, likely_suffix, pair_masks


def pairs(
    photos: list[str], masks: list[str], suffix: str = ""
) -> dict[str, list[str]]:
    notes, _ = pair_masks(photos, masks, suffix=suffix)
    return {source_id: json.loads(note) for source_id, note in notes.items()}


def test_photos_and_masks_are_paired_and_leftovers_reported() -> None:
    photos = ["a.jpg", "b.png", "deep/c.d.jpg", "a.webp", "lonely.jpg"]
    masks = ["a.png", "b.png", "deep/c.d.png", "b.bmp", "orphan.png"]
    notes, rejected = pair_masks(photos, masks)
    assert {i: json.loads(note) for i, note in notes.items()} == {
        "a": ["a.jpg", "a.png"],
        "b": ["b.png", "b.png"],
        "deep/c.d": ["deep/c.d.jpg", "deep/c.d.png"],
    }
    refused = sorted((bad.reason, bad.path) for bad in rejected)
    assert refused == [
        ("duplicate-id", "a.webp"),
        ("duplicate-id", "b.bmp"),
        ("missing-image", "orphan.png"),
        ("missing-label", "lonely.jpg"),
    ]


def test_masks_with_a_suffix() -> None:
    photos = ["a.jpg", "b/c.JPG", "x_mask.jpg"]
    masks = ["a_mask.png", "b/c_MASK.PNG", "x_mask_mask.png"]
    assert pairs(photos, masks, "_mask") == {
        "a": ["a.jpg", "a_mask.png"],
        "b/c": ["b/c.JPG", "b/c_MASK.PNG"],
        "x_mask": ["x_mask.jpg", "x_mask_mask.png"],
    }
    assert has_suffix("a/b_Mask.png", "_mask")
    assert not has_suffix("a_mask/b.png", "_mask")


def test_names_in_two_normal_forms_are_one() -> None:
    name = "Z\u00fcrich/caf\u00e9"
    for photo, mask in ((f"{name}.jpg", f"{name}.png"), (f"{name}.png", f"{name}.PNG")):
        other = unicodedata.normalize("NFD", mask)
        assert pairs([photo], [other]) == {name: [photo, other]}
        other = unicodedata.normalize("NFD", photo)
        assert pairs([other], [mask]) == {name: [other, mask]}


def test_names_that_differ_in_case_are_a_pair_where_that_is_clear() -> None:
    assert pairs(["P1.JPG", "q.jpg"], ["p1.png", "q.PNG"]) == {
        "P1": ["P1.JPG", "p1.png"],
        "q": ["q.jpg", "q.PNG"],
    }
    assert pairs(["P1.jpg", "p1.jpg"], ["p1.png"]) == {"p1": ["p1.jpg", "p1.png"]}
    assert pairs(["P1.jpg"], ["p1.png", "p1.PNG"]) == {"P1": ["P1.jpg", "p1.png"]}
    assert pairs(["PA.jpg", "pA.jpg"], ["Pa.png"]) == {}


def test_a_suffix_is_guessed() -> None:
    photos = [f"s/p_{n}.jpg" for n in range(6)]
    assert likely_suffix(photos, [f"s/p_{n}_mask.png" for n in range(6)]) == "_mask"
    both = [f"p{n}.png" for n in range(6)] + [f"p{n}-label.png" for n in range(6)]
    assert likely_suffix(both, both) == "-label"
    assert likely_suffix(photos, [f"s/other{n}.png" for n in range(6)]) is None
