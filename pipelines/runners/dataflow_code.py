"""What Dataflow's workers run, under which name and in which arithmetic."""

import ast
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pipelines.runners.dataflow_request import Request, refused

_JOB: Final = re.compile(r"[a-z]([-a-z0-9]{0,1022}[a-z0-9])?")
_LABEL_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE: Final = re.compile(r"[a-z0-9_-]{0,63}")
_IMAGE: Final = re.compile(
    r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+"
    r"(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?P<digest>@sha256:[0-9a-f]{64})?"
)


def check_session(request: Request) -> None:
    """The job is a batch job of an installed package."""
    flags = request.flags
    if flags["save_main_session"]:
        raise refused(
            "--save_main_session",
            "a session to save",
            "none: the package is installed on the workers; leave it out",
        )
    for name, got in (("streaming", "a streaming job"), ("update", "an update")):
        if flags[name]:
            raise refused(
                f"--{name}", got, "a batch job: a night has an end; leave it out"
            )
    template = flags["template_location"]
    if template is not None and not request.is_template_launch:
        raise refused(
            "--template_location",
            template,
            "a Flex Template (docs/dataflow.md): a classic one would keep one night's "
            "plan for ever",
        )


def check_arithmetic(request: Request) -> None:
    """Engine and precision are named: a launcher is not the worker."""
    for name, value, words in (
        ("--engine", request.engine, "openvino (CPU) or tensorflow"),
        ("--precision", request.precision, "f32, bf16 or int8"),
    ):
        if value == "auto":
            raise refused(
                name,
                "auto",
                f"{words}; the launcher is not the worker, and one night has one "
                "arithmetic",
            )


def check_names(request: Request) -> None:
    """The job's name and its labels have the service's form."""
    name = request.flags["job_name"]
    if name is not None and not _JOB.fullmatch(name):
        raise refused(
            "--job_name",
            name,
            "lower-case letters, digits and hyphens, a letter first, no hyphen last",
        )
    for text in request.flags["labels"] or []:
        for key, value in _labels_of(text).items():
            if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(str(value)):
                raise refused(
                    "--labels",
                    text,
                    "key=value of lower-case letters, digits, - and _, at most 63 each",
                )


def _labels_of(text: str) -> Mapping[str, Any]:
    """Returns what a value of `--labels` says: one pair, or a mapping of pairs."""
    if "{" not in text:
        key, _, value = text.partition("=")
        return {key: value}
    try:
        labels = ast.literal_eval(text)  # as Beam reads it
    except (SyntaxError, ValueError):
        labels = None
    if not isinstance(labels, dict):
        example = json.dumps({"team": "photos"})
        raise refused("--labels", text, f"key=value, or a mapping such as {example}")
    return {str(key): value for key, value in labels.items()}


def check_code(request: Request) -> None:
    """Workers get the package, the same one all night."""
    flags = request.flags
    _check_files(flags)
    image = flags["sdk_container_image"]
    legacy = flags["worker_harness_container_image"]
    if legacy is not None:
        raise refused(
            "--worker_harness_container_image",
            legacy,
            "--sdk_container_image, its present name",
        )
    if image is None:
        if not flags["setup_file"] and not flags["extra_packages"]:
            raise refused(
                "--sdk_container_image",
                None,
                "an image with this package (docs/dataflow.md builds one), or "
                "--setup_file; workers have nothing but Beam",
            )
        return
    _check_image(image)
    if flags["sdk_location"] not in ("default", "container"):
        raise refused(
            "--sdk_location",
            flags["sdk_location"],
            "container: the image has Beam, and a second one would be installed on "
            "every worker",
        )


def _check_files(flags: Mapping[str, Any]) -> None:
    """Checks what Beam would look for only after the plan is frozen."""
    setup = flags["setup_file"]
    if setup is not None and Path(setup).name != "setup.py":
        raise refused("--setup_file", setup, "a file of the name setup.py")
    packages = [("--extra_package", each) for each in flags["extra_packages"] or []]
    for name, file in (
        ("--setup_file", setup),
        ("--requirements_file", flags["requirements_file"]),
        *packages,
    ):
        if file is not None and "://" not in file and not Path(file).is_file():
            raise refused(name, file, "a file that is there")


def _check_image(image: str) -> None:
    found = _IMAGE.fullmatch(image)
    if found is None:
        raise refused(
            "--sdk_container_image",
            image,
            "an image in a registry, such as "
            "europe-west4-docker.pkg.dev/my-photos-42/fcn/worker:1.0",
        )
    if found["digest"] is None and found["tag"] in (None, "latest"):
        raise refused(
            "--sdk_container_image",
            image,
            "a version as its tag, or a digest; what latest means may change "
            "between two workers of a night",
        )


RULES: Final[tuple[Callable[[Request], None], ...]] = (
    check_session,
    check_arithmetic,
    check_names,
    check_code,
)
"""Each raises a `UsageError` where its first line does not hold."""
