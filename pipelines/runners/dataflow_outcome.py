"""How a job on Dataflow ended, and what its service refused, as one line."""

import re
from typing import Any, Final

from apache_beam.runners.runner import PipelineState

from pipelines.faults import Interrupted, JobFault, SystemicFault, UsageError

_AGAIN: Final = "run the same command again"
_NAMED: Final = {fault.__name__: fault for fault in JobFault.__subclasses__()}
_OURS: Final = re.compile(rf"\b({'|'.join(_NAMED)}): (.*)")
_STEP: Final = re.compile(r" \[while running .*\]$")
_REQUEST: Final = re.compile(r"^([0-9]{3} )?((GET|POST|PUT) \S+: )?")


def console_url(project: str, region: str, job: str) -> str:
    """Returns the page of a job in Google Cloud's console."""
    return (
        f"https://console.cloud.google.com/dataflow/jobs/{region}/{job}"
        f"?project={project}"
    )


def fault_of(error: Exception) -> JobFault | None:
    """Returns the fault for what was raised by submitting a job or by awaiting it.

    Args:
        error: What Beam raised.

    Returns:
        A fault in one line: of the class that a worker raised, where it is one of ours;
        `Interrupted` for a job that somebody cancelled. None for an error of the
        program.
    """
    from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException
    from apache_beam.runners.dataflow.internal.apiclient import (
        DataflowJobAlreadyExistsError,
    )
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, DataflowRuntimeException):
        return _of_job(error)
    if isinstance(error, DataflowJobAlreadyExistsError):
        found = _first_line(error).partition(". If you")[0]
        return UsageError(
            f"--job_name: got the answer {found!r}, expected a name that no running "
            "job has; wait for that job, cancel it, or choose another name"
        )
    if isinstance(error, GoogleAuthError):
        return _refused("no valid credentials", error)
    if isinstance(error, GoogleAPIError):
        return _of_service(error)
    return None


def _of_job(error: Any) -> JobFault:
    """Returns the fault for a job that ended, but not well."""
    job, state = error.result.job_id(), error.result.state
    if state == PipelineState.CANCELLED:
        return Interrupted(f"the job {job} was cancelled; {_AGAIN} to go on")
    text = str(error).partition("Error:\n")[2] or str(error)
    if found := _OURS.findall(text):
        name, message = found[-1]
        return _NAMED[name](_STEP.sub("", message))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = lines[-1] if lines and lines[-1] != "None" else "no reason in its log"
    reason = _STEP.sub("", reason).rstrip(".")
    return SystemicFault(
        f"the job {job}: got {state}, {reason}; see its page in the "
        f"console, mend it and {_AGAIN}"
    )


def _of_service(error: Any) -> JobFault:
    """Returns the fault for an answer of the service."""
    code = int(getattr(error, "code", None) or 0)
    if code in (401, 403):
        return _refused(f"the answer {code}", error)
    if code in (400, 404):
        return UsageError(
            f"Dataflow: got the answer {code}, {_first_line(error)}; check the flags "
            f"and {_AGAIN}"
        )
    answer = f"the answer {code}, " if code else ""
    return SystemicFault(
        f"Dataflow: got {answer}{_first_line(error)}, expected it to take the job; "
        f"{_AGAIN} later"
    )


def _refused(got: str, error: Exception) -> SystemicFault:
    return SystemicFault(
        f"Dataflow: got {got}, {_first_line(error)}, expected the right to launch a "
        "job; see docs/dataflow.md for the roles, or log in by gcloud auth "
        "application-default login"
    )


def _first_line(error: Exception) -> str:
    """Returns what an error says, without the request that it repeats."""
    lines = _REQUEST.sub("", str(error).strip()).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
