"""Where Dataflow runs a job, for whom, and where it is stored: what is accepted.

Beam checks some of this too, late or over the network: a wrong bucket makes it look for
a default one, for minutes. Here all of it is one line, before anything is planned.
"""

import re
from collections.abc import Callable
from typing import Final

from pipelines.runners.dataflow_request import Request, refused

_PROJECT: Final = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")
_ZONE: Final = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+-[a-z]")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_ACCOUNT: Final = re.compile(
    r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?@([a-z0-9-]+\.)+gserviceaccount\.com"
)
_NETWORK: Final = re.compile(
    r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?|(\S+/)?projects/[^/]+/global/networks/[^/]+"
)
_SUBNETWORK: Final = re.compile(
    r"(https://\S+/projects/[^/]+/)?regions/(?P<region>[^/]+)/subnetworks/[^/]+"
)


def check_project(request: Request) -> None:
    """The project is named by its ID."""
    project = request.flags["project"]
    if project is None or not _PROJECT.fullmatch(project):
        raise refused(
            "--project",
            project,
            "a project's ID such as my-photos-42, neither its number nor its title; "
            "Dataflow runs and bills the job there",
        )


def check_region(request: Request) -> None:
    """The region is named; zones are inside it."""
    flags = request.flags
    if flags["zone"] is not None:
        raise refused("--zone", flags["zone"], "--worker_zone, its present name")
    if flags["worker_region"] and flags["worker_zone"]:
        raise refused(
            "--worker_zone",
            flags["worker_zone"],
            "either it or --worker_region; leave out one",
        )
    for name in ("region", "worker_region"):
        value = flags[name]
        if (value or name == "region") and not _REGION.fullmatch(value or ""):
            raise refused(
                f"--{name}", value, "a region such as europe-west4, not a zone"
            )
    zone = flags["worker_zone"]
    if zone and not _ZONE.fullmatch(zone):
        raise refused("--worker_zone", zone, "a zone such as europe-west4-b")


def check_folder(what: str, uri: str | None, *, why: str) -> None:
    """Checks that a folder is well-formed and on gs://.

    Raises:
        UsageError: It is not, or the bucket's name cannot be one.
    """
    scheme, _, rest = (uri or "").partition("://")
    bucket, slash, _ = rest.partition("/")
    if scheme != "gs" or not bucket:
        raise refused(what, uri, f"a folder such as gs://my-bucket/folder; {why}")
    if not _BUCKET.fullmatch(bucket):
        raise refused(
            what,
            uri,
            "a bucket's name of 3 or more lower-case letters, digits, dots and hyphens",
        )
    if not slash:
        raise refused(what, uri, f"a folder in the bucket, such as {uri}/folder")
    if re.search(r"[\r\n]", rest):
        raise refused(what, repr(uri), "a name without line breaks")


def check_storage(request: Request) -> None:
    """What the job reads and writes is where workers see it."""
    if request.is_rehearsal:
        folders = request.flags["temp_location"], request.flags["staging_location"]
        if not any(folders):
            raise refused("--staging_location", None, "a folder of this machine")
        return
    check_folder(
        "--temp_location",
        request.flags["temp_location"],
        why="Dataflow keeps its own files there",
    )
    if request.flags["staging_location"] is not None:
        check_folder(
            "--staging_location",
            request.flags["staging_location"],
            why="workers fetch the graph from there",
        )
    check_folder(
        "--output", request.output, why="the workers do not see this machine's disk"
    )


def check_accounts(request: Request) -> None:
    """Service accounts are named by their addresses."""
    flags = request.flags
    named = [("--service_account_email", flags["service_account_email"])]
    for account in (flags["impersonate_service_account"] or "").split(","):
        named.append(("--impersonate_service_account", account or None))
    for flag, account in named:
        if account is not None and not _ACCOUNT.fullmatch(account):
            raise refused(
                flag,
                account,
                "an address such as scorer@my-photos-42.iam.gserviceaccount.com",
            )


def check_network(request: Request) -> None:
    """Networks have the service's form and are in the workers' region."""
    flags = request.flags
    network, subnetwork = flags["network"], flags["subnetwork"]
    if network is not None and not _NETWORK.fullmatch(network):
        raise refused("--network", network, "a network's name such as default")
    if subnetwork is not None:
        found = _SUBNETWORK.fullmatch(subnetwork)
        if found is None:
            raise refused(
                "--subnetwork",
                subnetwork,
                "regions/REGION/subnetworks/NAME, for a shared one "
                "https://www.googleapis.com/compute/v1/projects/HOST/regions/...",
            )
        zone = (flags["worker_zone"] or "").rpartition("-")[0]
        region = flags["worker_region"] or zone or flags["region"]
        if found["region"] != region:
            raise refused(
                "--subnetwork", subnetwork, f"one in {region}, where the workers are"
            )
    if flags["use_public_ips"] is False and network is None and subnetwork is None:
        raise refused(
            "--no_use_public_ips",
            "neither --network nor --subnetwork",
            "one of them, with Private Google Access; else workers reach no bucket",
        )


RULES: Final[tuple[Callable[[Request], None], ...]] = (
    check_project,
    check_region,
    check_storage,
    check_accounts,
    check_network,
)
"""Each raises a `UsageError` where its first line does not hold."""
