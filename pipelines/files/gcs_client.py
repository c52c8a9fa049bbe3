"""Google Cloud Storage: one client a process, retries, and faults in one line.

Every request passes `call`: what may pass (503, a lost connection, a stalled read) is
tried again with growing, random pauses until a deadline; what may not is a fault that
says what is wrong. The library's own retries are off, so that no rule applies twice.
"""

import functools
import http.client
import os
import urllib.parse
from collections.abc import Callable
from typing import Any, Final, TypeVar

import google.auth
import requests
import requests.adapters
import urllib3.exceptions
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth import credentials as auth_credentials
from google.auth import exceptions as auth_exceptions
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from pipelines.faults import SystemicFault, UsageError
from pipelines.files import uris

CONNECTIONS: Final = 64
"""Requests that may be under way at once."""

TIMEOUT: Final = (10.0, 60.0)
"""Seconds to connect, and to wait for more bytes, before a request is given up."""

_DEADLINE: Final = float(os.environ.get("FCN_GCS_DEADLINE", "600"))
"""Seconds for which a request that fails for passing reasons is tried again."""

_SCOPES: Final = ["https://www.googleapis.com/auth/devstorage.read_write"]
_DENIED: Final = (401, 403)
_PASSING: Final = (408, 429, 500, 502, 503, 504)
_BROKEN: Final = (
    ConnectionError,
    DataCorruption,
    http.client.HTTPException,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    urllib3.exceptions.HTTPError,
)
"""A connection that broke, or bytes that did not arrive as they were sent."""

Result = TypeVar("Result")


def split(uri: str) -> tuple[str, str]:
    """Returns the bucket and the object's name of a URI."""
    bucket, _, name = uri.removeprefix(uris.GCS).partition("/")
    return bucket, name


def uri_of(bucket: str, name: str) -> str:
    """Returns the URI of an object."""
    return f"{uris.GCS}{bucket}/{name}"


@functools.cache
def client() -> storage.Client:
    """Returns this process's client.

    Raises:
        UsageError: There are no credentials.
    """
    # Else each answer that there is no object has a thread ask for the bucket as well.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    session = AuthorizedSession(_credentials())
    # The pool of the default adapter is smaller than the number of our threads.
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return storage.Client(project="unused", _http=session)


def _credentials() -> Any:
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return auth_credentials.AnonymousCredentials()
    # Outside Google's machines nobody answers: ask once, not three times.
    os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")
    try:
        return google.auth.default(scopes=_SCOPES)[0]
    except auth_exceptions.DefaultCredentialsError as error:
        raise UsageError(
            "gs://: got no credentials, expected those of a service account or a "
            "person; run gcloud auth application-default login, or set "
            "GOOGLE_APPLICATION_CREDENTIALS to a key file"
        ) from error


def bucket_of(uri: str) -> storage.Bucket:
    """Returns the bucket of a URI; asks nothing."""
    return client().bucket(split(uri)[0])


def blob_of(uri: str, *, generation: int | None = None) -> storage.Blob:
    """Returns the object of a URI; asks nothing."""
    return bucket_of(uri).blob(split(uri)[1], generation=generation)


def may_pass(error: BaseException) -> bool:
    """Returns whether a failed request may go well if tried again."""
    if isinstance(error, auth_exceptions.TransportError):
        return True  # the tokens' server did not answer
    if (status := status_of(error)) is not None:
        return status in _PASSING
    return isinstance(error, _BROKEN)


_RETRY: Final = Retry(
    predicate=may_pass, initial=0.5, maximum=30.0, multiplier=2.0, timeout=_DEADLINE
)


def call(uri: str, request: Callable[[], Result]) -> Result:
    """Returns what a request returns, tried again where that may help.

    Args:
        uri: What it is about.
        request: One request; safe to repeat.

    Raises:
        FileNotFoundError: There is no such object, or no such bucket.
        PreconditionFailed: The object is not the one that the request is about.
        SystemicFault: No right, no answer in time, or what the store says is wrong.
        UsageError: There are no credentials.
    """
    try:
        return _RETRY(request)()
    except exceptions.NotFound as error:
        raise FileNotFoundError(2, "no such object", uri) from error
    except exceptions.PreconditionFailed:
        raise
    except auth_exceptions.GoogleAuthError as error:
        raise SystemicFault(
            f"{uri}: got credentials that are not valid ({_short(error)}), expected "
            "an account that may use the bucket; run gcloud auth application-default "
            "login"
        ) from error
    except exceptions.RetryError as error:
        raise _no_answer(uri, error.cause or error) from error
    except (exceptions.GoogleAPICallError, InvalidResponse) as error:
        raise _refused(uri, error) from error


def status_of(error: BaseException) -> int | None:
    """Returns the HTTP status of a failed request; None where there was no answer."""
    if isinstance(error, InvalidResponse):
        return int(error.response.status_code)
    code = getattr(error, "code", None)
    return None if code is None else int(code)


def _refused(uri: str, error: Exception) -> SystemicFault:
    if status_of(error) in _DENIED:
        return SystemicFault(
            f"{uri}: got no right to it (HTTP {status_of(error)}), expected an account "
            "that may list, read and write the bucket; grant it roles/storage."
            "objectUser, or sign in as another one"
        )
    return SystemicFault(
        f"{uri}: got {_short(error)}, expected the store to obey; mend it and run the "
        "same command again"
    )


def _no_answer(uri: str, error: BaseException) -> SystemicFault:
    return SystemicFault(
        f"{uri}: got no good answer for {_DEADLINE:.0f} s ({_short(error)}), expected "
        "the store to be there; run the same command again when it is"
    )


def _short(error: BaseException) -> str:
    """Returns an error in a few words, without addresses that may hold a token."""
    if (status := status_of(error)) is not None:
        return f"HTTP {status}"
    words = " ".join(str(error).split())
    return urllib.parse.unquote(f"{type(error).__name__} {words}")[:120]
