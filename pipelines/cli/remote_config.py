"""`--config` of another store, such as gs://: copied here before it is read."""

import contextlib
from collections.abc import Iterator, Sequence

from pipelines import settings
from pipelines.faults import UsageError


@contextlib.contextmanager
def fetched_config(arguments: Sequence[str]) -> Iterator[None]:
    """Makes the file that `--config` names readable while the block runs.

    Args:
        arguments: Of a command.

    Raises:
        UsageError: It is in another store, and not there.
    """
    uri = _named(arguments)
    if "://" not in uri:
        yield
        return
    from pipelines import files

    with contextlib.ExitStack() as copies:
        try:
            copy = copies.enter_context(files.local_copy(files.to_uri(uri)))
        except FileNotFoundError as error:
            raise UsageError(
                f"--config: got {uri}, expected a YAML file; check the address"
            ) from error
        settings.FETCHED_CONFIGS[uri] = str(copy)
        yield


def _named(arguments: Sequence[str]) -> str:
    """Returns the value of `--config`; an empty text where there is none."""
    for index, word in enumerate(arguments):
        if word.startswith("--config="):
            return word.removeprefix("--config=")
        if word == "--config":
            return "".join(arguments[index + 1 : index + 2])
    return ""
