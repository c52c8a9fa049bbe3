"""What a job on Dataflow would be: the service's own description, and one for people.

Beam builds the job's description only while it submits it. `job_description` does the
same steps without a connection; tests compare its result with what is submitted.
"""

import json
from collections.abc import Mapping
from typing import Any

from apache_beam.options.pipeline_options import GoogleCloudOptions


def job_description(job: Any) -> Mapping[str, Any]:
    """Returns the job as the service's REST interface would receive it.

    Args:
        job: `.job` of the result of a pipeline that ran with `--dry_run=true`; its
            description is filled in.
    """
    from apache_beam.runners.dataflow.internal import apiclient

    staging = job.options.view_as(GoogleCloudOptions).staging_location
    job.proto.environment = apiclient.Environment(
        packages=[],
        options=job.options,
        environment_version=apiclient._FNAPI_ENVIRONMENT_MAJOR_VERSION,
        proto_pipeline_staged_url=f"{staging}/pipeline.pb",
        proto_pipeline=job.proto_pipeline,
    ).proto
    content: Mapping[str, Any] = json.loads(job.json())
    return content


def preview(job: Any) -> dict[str, Any]:
    """Returns what would be launched, for people and for scripts.

    Args:
        job: `.job` of the result of a pipeline that ran with `--dry_run=true`.
    """
    content = job_description(job)
    place = job.options.view_as(GoogleCloudOptions)
    environment = content["environment"]
    (pool,) = environment["workerPools"]
    scaling = pool.get("autoscalingSettings", {})
    options = environment["sdkPipelineOptions"]["options"]
    return {
        "job_name": content["name"],
        "project": place.project,
        "region": place.region,
        "image": pool["workerHarnessContainerImage"],
        "machine_type": pool.get("machineType"),
        "num_workers": pool.get("numWorkers"),
        "max_num_workers": scaling.get("maxNumWorkers"),
        "autoscaling": options.get("autoscaling_algorithm"),
        "threads": pool.get("numThreadsPerWorker"),
        "disk_size_gb": pool.get("diskSizeGb"),
        "flexrs_goal": options.get("flexrs_goal"),
        "service_options": environment.get("serviceOptions"),
        "experiments": sorted(environment.get("experiments", [])),
        "labels": content.get("labels"),
        "service_account": environment.get("serviceAccountEmail"),
        "network": pool.get("network"),
        "subnetwork": pool.get("subnetwork"),
        "public_addresses": pool.get("ipConfiguration") != "WORKER_IP_PRIVATE",
        "temp_location": place.temp_location,
        "staging_location": place.staging_location,
        "steps": steps(job),
    }


def steps(job: Any) -> list[str]:
    """Returns the labels of the steps that the graph is made of, in their order."""
    components = job.proto_pipeline.components
    roots = (
        components.transforms[name]
        for name in job.proto_pipeline.root_transform_ids
        if name in components.transforms
    )
    return [
        components.transforms[step].unique_name
        for root in roots
        for step in root.subtransforms
    ]


def lines(content: Mapping[str, Any]) -> list[str]:
    """Returns a preview as lines of a name and a value; what is not set is left out."""
    width = max(map(len, content))
    return [
        f"{name:<{width}}  {_shown(value)}"
        for name, value in content.items()
        if value not in (None, "", [], {})
    ]


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in sorted(value.items()))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
