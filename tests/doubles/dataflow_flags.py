"""A job for Dataflow that is in order, and what tests change about it."""

from collections.abc import Mapping

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.faults import UsageError
from pipelines.runners import dataflow, flags

IMAGE = "europe-west4-docker.pkg.dev/my-photos-42/fcn/worker:1.0"
GPU = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
GOOD: Mapping[str, str | None] = {
    "runner": "DataflowRunner",
    "project": "my-photos-42",
    "region": "europe-west4",
    "temp_location": "gs://my-bucket/temp",
    "sdk_container_image": IMAGE,
    "machine_type": "c3-standard-8",
    "max_num_workers": "20",
}
ON_GPU: Mapping[str, str | None] = {
    **GOOD,
    "machine_type": "g2-standard-8",
    "dataflow_service_options": GPU,
}


def words(*changes: str, base: Mapping[str, str | None] = GOOD) -> list[str]:
    """Returns Beam's flags: the good ones, changed.

    Args:
        *changes: `name=value` sets a flag, `name` gives it without a value, `-name`
            leaves it out.
        base: What is changed.
    """
    given = dict(base)
    for change in changes:
        name, equals, value = change.partition("=")
        if name.startswith("-"):
            del given[name[1:]]
        else:
            given[name] = value if equals else None
    return [
        f"--{name}" if value is None else f"--{name}={value}"
        for name, value in given.items()
    ]


def options(
    *changes: str,
    base: Mapping[str, str | None] = GOOD,
    output: str = "gs://my-bucket/out",
    engine: str | None = None,
    precision: str | None = "f32",
    instructions: str | None = None,
) -> PipelineOptions:
    """Returns Beam's options for the good job, changed; as a command asks for them."""
    given = words(*changes, base=base)
    flags.check_flags(given, ours=[])
    if instructions is None:
        instructions = "NVIDIA L4" if base is ON_GPU else "avx512"
    if engine is None:
        engine = "tensorflow" if base is ON_GPU else "openvino"
    return dataflow.options(
        given,
        output=output,
        engine=None if engine == "none" else engine,
        precision=None if engine == "none" else precision,
        instruction_set=None if engine == "none" else instructions,
    )


def refusal(
    *changes: str,
    base: Mapping[str, str | None] = GOOD,
    output: str = "gs://my-bucket/out",
    engine: str | None = None,
    precision: str | None = "f32",
    instructions: str | None = None,
) -> str:
    """Returns the line that refuses the changed job."""
    with pytest.raises(UsageError) as caught:
        options(
            *changes,
            base=base,
            output=output,
            engine=engine,
            precision=precision,
            instructions=instructions,
        )
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 300, line
    assert ": got " in line or "invalid" in line or "expected one argument" in line
    return line
