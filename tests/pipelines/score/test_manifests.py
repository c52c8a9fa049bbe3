"""Lists of photos that people write, of every kind and with every fault."""

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
