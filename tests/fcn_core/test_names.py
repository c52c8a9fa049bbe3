"""Names as people compare them."""

import unicodedata

from fcn_core.names import composed, stem


def test_both_forms_of_a_name_are_one() -> None:
    name = "Z\u00fcrich/caf\u00e9.v2.jpg"
    for form in ("NFC", "NFD"):
        assert composed(unicodedata.normalize(form, name)) == name
        assert stem(unicodedata.normalize(form, name)) == "Z\u00fcrich/caf\u00e9.v2"
    assert (stem("a/.hidden"), stem("a.b/c")) == ("a/.hidden", "a.b/c")
