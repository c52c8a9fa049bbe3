"""What may be done at a place, as far as it can be found out without a trace."""

from pipelines.files import local_access, stores, uris
from pipelines.files.rights import Access


def access(uri: str, *, write: bool) -> Access:
    """Returns what may be done at a place; leaves nothing there.

    Args:
        uri: A folder, a file, or a prefix of a bucket.
        write: Whether to look at writing, too; the folder need not be there then.

    Raises:
        FileNotFoundError: There is no such place.
        SystemicFault: The store does not answer, or not to us.
        UsageError: There are no credentials, or there is no such store.
    """
    if not uris.is_gcs(uri):
        return local_access.access(uri, write=write)
    stores.reader(uri)  # or the line that says what to install
    from pipelines.files import gcs_access

    return gcs_access.access(uri, write=write)
