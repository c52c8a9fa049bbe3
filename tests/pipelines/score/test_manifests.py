"""Lists of photos that people write, of every kind and with every fault."""

import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.faults import UsageError
from tests.runs.listings import listed, names, refusal, rows


def test_a_text_manifest(photos: Path) -> None:
    lines = [
        "\ufeffa.jpg",
        "",
        "sub/../a.jpg",
        "  sub/d.webp  ",
        f"{photos}/B.JPEG",
        f"file://{photos}/B.JPEG",
        "gone.jpg",
        "odd\u2028name\x0c.jpg",
        "no extension",
    ]
    (photos / "list.txt").write_bytes("\r\n".join(lines).encode())
    listing = listed(photos / "list.txt")
    assert listing.root is None
    assert names(listing, photos) == [
        "B.JPEG",
        "a.jpg",
        "gone.jpg",
        "no extension",
        "odd\u2028name\x0c.jpg",
        "sub/d.webp",
    ]
    versions = dict(zip(names(listing, photos), rows(listing)["version"], strict=True))
    assert versions["gone.jpg"].as_py() == "unknown"


def test_manifests_of_every_kind_say_the_same(photos: Path, tmp_path: Path) -> None:
    entries = ["a.jpg", "sub/d.webp", "a.jpg"]
    (photos / "list.lst").write_text("\n".join(entries))
    rows = "".join(f'7,"{entry}"\r\n' for entry in [*entries, "  "])
    (photos / "list.CSV").write_bytes(b"\xef\xbb\xbfid,image_uri\r\n" + rows.encode())
    column = pa.array([*entries, None, ""])
    pq.write_table(pa.table({"image_uri": column}), photos / "list.parquet")
    for name in ("list.lst", "list.CSV", "list.parquet"):
        assert names(listed(photos / name), photos) == ["a.jpg", "sub/d.webp"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.csv", b"id,uri\n1,a.jpg\n", "got the columns id, uri, expected one"),
        ("list.csv", b"", "got the columns none"),
        ("list.csv", b"image_uri\ncaf\xe9.jpg\n", "UTF-8"),
        ("list.csv", b"image_uri\n" + b"x" * 200_000, "field larger"),
        ("list.txt", b"caf\xe9.jpg\n", "UTF-8"),
        ("list.txt", b"\n\n", "got no photo"),
        ("list.txt", b"s3://bucket/a.jpg\n", "s3://bucket/a.jpg"),
        ("list.parquet", b"PAR1 it is not", "expected a .parquet file"),
        ("list.json", b"[]", "got a .json file"),
        ("nameless", b"", "got a nameless file"),
    ],
)
def test_what_is_no_manifest_is_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        listed(tmp_path / name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parquet_column_of_numbers_is_one_line(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image_uri": [1, 2]}), tmp_path / "list.parquet")
    assert "int64" in refusal(tmp_path / "list.parquet")


ROWS = "id;image_uri\r\n1;a.jpg\r\n2;sub/d.webp\r\n"


@pytest.mark.parametrize(
    "content",
    [
        ROWS.encode(),
        ROWS.replace(";", "\t").encode(),
        ("sep=;\r\n" + ROWS).encode(),
        ('"sep=,"\r\n' + ROWS.replace(";", ",")).encode(),
        ROWS.encode("utf-16"),
        (b"\xfe\xff" + ROWS.replace(";", "\t").encode("utf-16-be")),
        b"image_uri;note\na.jpg;x, y\nsub/d.webp;\n",
    ],
)
def test_tables_of_everyday_programs(photos: Path, content: bytes) -> None:
    (photos / "list.csv").write_bytes(content)
    assert names(listed(photos / "list.csv"), photos) == ["a.jpg", "sub/d.webp"]


def test_a_text_in_utf_16(photos: Path) -> None:
    (photos / "list.txt").write_bytes("a.jpg\r\nsub/d.webp\r\n".encode("utf-16"))
    assert names(listed(photos / "list.txt"), photos) == ["a.jpg", "sub/d.webp"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a.jpg", "sub/d.webp", None]).dictionary_encode(),
        pa.array(["a.jpg", "sub/d.webp"], pa.string_view()),
        pa.array(["a.jpg", "sub/d.webp"], pa.large_string()),
        pa.array([b"a.jpg", b"sub/d.webp"], pa.binary()),
        pa.array(["a.jpg", "sub/d.webp"], pa.large_string()).dictionary_encode(),
    ],
)
def test_texts_are_read_however_parquet_stores_them(
    photos: Path, column: pa.Array
) -> None:
    pq.write_table(pa.table({"image_uri": column}), photos / "list.parquet")
    assert names(listed(photos / "list.parquet"), photos) == ["a.jpg", "sub/d.webp"]


def test_what_is_no_text_is_refused_with_a_cure(photos: Path) -> None:
    pq.write_table(pa.table({"image_uri": [1, 2]}), photos / "list.parquet")
    message = refusal(photos / "list.parquet")
    assert "of type int64, expected strings; cast the column" in message


def test_a_folder_of_parquet_is_a_list(photos: Path) -> None:
    folder = photos / "spark.parquet"
    for number, name in enumerate(["sub/d.webp", "a.jpg"]):
        part = folder / f"day={number}" / "part-00000.parquet"
        part.parent.mkdir(parents=True)
        pq.write_table(pa.table({"image_uri": [name]}), part)
    (folder / "_SUCCESS").touch()
    (folder / "_metadata.parquet").write_bytes(b"not a part")
    (folder / "_delta_log").mkdir()
    (folder / "_delta_log" / "1.checkpoint.parquet").write_bytes(b"not a part")
    listing = listed(folder)
    assert names(listing, photos) == ["a.jpg", "sub/d.webp"]
    assert listing.root is None


def test_a_name_in_another_normal_form_finds_its_photo(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "Z\u00fcrich/caf\u00e9.jpg")
    decomposed = unicodedata.normalize("NFD", composed)
    mixed = composed.split("/")[0] + "/" + decomposed.split("/")[1]
    for written, found in ((composed, decomposed), (decomposed, mixed)):
        folder = tmp_path / str(len(written)) / str(len(found))
        (folder / found).parent.mkdir(parents=True)
        (folder / found).write_bytes(b"a photo")
        (folder / "list.csv").write_text(f"image_uri\n{written}\ngone-\u00e9.jpg\n")
        listing = listed(folder / "list.csv")
        assert names(listing, folder) == [found, "gone-\u00e9.jpg"]
        versions = rows(listing)["version"].to_pylist()
        assert versions[0].startswith("7-")
        assert versions[1] == "unknown"


def test_both_forms_of_one_name_are_one_photo(tmp_path: Path) -> None:
    name = "caf\u00e9.jpg"
    (tmp_path / name).write_bytes(b"a photo")
    both = [name, unicodedata.normalize("NFD", name)]
    (tmp_path / "list.txt").write_text("\n".join(both))
    assert names(listed(tmp_path / "list.txt"), tmp_path) == [name]


def test_an_empty_list_is_named(tmp_path: Path) -> None:
    for name, content in (("a.txt", ""), ("b.csv", "image_uri\n")):
        (tmp_path / name).write_text(content)
        message = refusal(tmp_path / name)
        assert "got no photo in that list" in message
        assert ".jpg" not in message
