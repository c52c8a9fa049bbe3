"""What tests of listed photos share: folders of names, and how they are listed."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import inputs


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def listed(uri: str | Path, *, output: str | Path = "/nowhere/out") -> inputs.Listing:
    return inputs.list_photos(os.fspath(uri), output=files.to_uri(output))


def rows(listing: inputs.Listing) -> pa.Table:
    """Returns the photos in one piece."""
    return pa.concat_tables(listing.photos.tables()).combine_chunks()


def names(listing: inputs.Listing, root: Path) -> list[str]:
    uris = rows(listing)["image_uri"].to_pylist()
    return [os.path.relpath(files.to_path(uri), root) for uri in uris]


def read_all(listing: inputs.Listing) -> list[bytes]:
    return [inputs.read(row, root=listing.root) for row in rows(listing).to_pylist()]


def refusal(uri: str | Path, *, output: str | Path = "/nowhere/out") -> str:
    """Returns the one line that refuses an input."""
    with pytest.raises(UsageError) as caught:
        listed(uri, output=output)
    assert "\n" not in str(caught.value)
    assert str(uri) in str(caught.value)
    return str(caught.value)
