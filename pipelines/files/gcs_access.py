"""What may be done in a bucket; `files.access` says what that is."""

from typing import Final

from pipelines.faults import SystemicFault
from pipelines.files.gcs_client import TIMEOUT, bucket_of, call, client, split
from pipelines.files.rights import Access

_RIGHTS: Final = {
    "storage.objects.list": "list",
    "storage.objects.get": "read",
    "storage.objects.create": "create",
    "storage.objects.delete": "remove",
}


def access(uri: str, *, write: bool) -> Access:
    """Returns what may be done in a bucket: the store knows our rights."""
    bucket, _ = split(uri)
    call(uri, lambda: _list_one(bucket))
    asked = list(_RIGHTS)[: None if write else 2]
    try:
        granted = call(uri, lambda: _granted(uri, asked))
    except (FileNotFoundError, SystemicFault):
        # Listing went well, so it is this question that the store does not answer.
        unknown = tuple(_RIGHTS[right] for right in asked[1:])
        return Access(unknown=unknown, cure="see the roles of your account")
    lacking = tuple(_RIGHTS[right] for right in asked if right not in granted)
    role = "objectUser" if write else "objectViewer"
    cure = f"grant it roles/storage.{role} on gs://{bucket}, or sign in as another"
    return Access(lacking=lacking, cure=cure if lacking else "")


def _list_one(bucket: str) -> None:
    list(client().list_blobs(bucket, max_results=1, timeout=TIMEOUT, retry=None))


def _granted(uri: str, asked: list[str]) -> list[str]:
    bucket = bucket_of(uri)
    return list(bucket.test_iam_permissions(asked, timeout=TIMEOUT, retry=None))
