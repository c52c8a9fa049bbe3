"""Dataflow's GPUs: every rule refuses in one line."""

import pytest

from tests.doubles.dataflow_flags import GPU, ON_GPU, options, refusal
from tests.doubles.loopback import loopback_only

pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
SERVICE = "dataflow_service_options"
FLEXRS = "flexrs_goal=COST_OPTIMIZED"


@pytest.fixture(autouse=True)
def _offline() -> object:
    with loopback_only():
        yield


def accelerator(text: str) -> str:
    return f"{SERVICE}=worker_accelerator={text}"


def driven(kind: str, count: int = 1) -> str:
    return accelerator(f"type:{kind};count:{count};install-nvidia-driver")


@pytest.mark.parametrize(
    ("changes", "keywords"),
    [
        (("machine_type=n1-standard-8",), ("g2-* machine", "nvidia-l4 is in no other")),
        (("-machine_type",), ("--machine_type: got nothing",)),
        (("machine_type=g2-standard-24",), ("count:2", "g2-standard-24 has built in")),
        ((accelerator("nvidia-l4"),), ("worker_accelerator: got nvidia-l4", "count:1")),
        ((accelerator("type:nvidia-l4;count:none"),), ("a text such as type:",)),
        ((accelerator("type:nvidia-l4;count:1"),), ("a driver",)),
        (
            (driven("nvidia-l4", 2),),
            ("got count:2", "count:1, which is what g2-standard-8 has built in"),
        ),
        (
            (driven("nvidia-tesla-a100"), "machine_type=a2-highgpu-4g"),
            ("count:4, which is what a2-highgpu-4g",),
        ),
        (
            (driven("nvidia-a100-80gb"), "machine_type=a2-highgpu-1g"),
            ("a2-ultragpu-* machine", "a2-ultragpu-1g"),
        ),
        (
            (driven("nvidia-tesla-t4", 3), "machine_type=n1-standard-8"),
            ("got count:3", "one of 1, 2, 4"),
        ),
        (
            (driven("nvidia-tesla-v100"), "machine_type=n1-standard-16"),
            ("at most 12 cores beside 1 of nvidia-tesla-v100", "more GPUs"),
        ),
        (
            (accelerator("type:nvidia-tesla-t4;count:1;install-nvidia-driver"),),
            ("n1-* machine", "n1-standard-8"),
        ),
        (
            (f"{SERVICE}={GPU};use_nvidia_mps",),
            ("MPS shares a GPU among processes", "no_use_multiple_sdk_containers"),
        ),
        (
            (f"{SERVICE}=enable_prime,{GPU};use_nvidia_mps", "-machine_type"),
            ("MPS and Dataflow Prime exclude each other",),
        ),
        ((FLEXRS,), ("no GPU: FlexRS has none",)),
        (
            ("resource_hints=min_ram=16GB",),
            ("right fitting and worker_accelerator exclude each other",),
        ),
        (
            (
                f"-{SERVICE}",
                f"resource_hints={GPU.partition('_')[2]}",
                FLEXRS,
            ),
            ("no right fitting on FlexRS",),
        ),
    ],
)
def test_a_wrong_gpu_is_refused(
    changes: tuple[str, ...], keywords: tuple[str, ...]
) -> None:
    line = refusal(*changes, base=ON_GPU)
    for keyword in keywords:
        assert keyword in line


@pytest.mark.parametrize(
    ("engine", "precision", "keywords"),
    [
        ("none", None, ("got a job without a model", "leave one of them out")),
        ("openvino", "f32", ("got openvino", "uses a GPU")),
        ("tensorflow", "int8", ("--precision: got int8", "f32 or bf16 or f16")),
        ("tensorflow", "int8+f32", ("--precision: got int8+f32",)),
    ],
)
def test_a_gpu_that_the_job_cannot_use(
    engine: str, precision: str | None, keywords: tuple[str, ...]
) -> None:
    line = refusal(base=ON_GPU, engine=engine, precision=precision)
    for keyword in keywords:
        assert keyword in line


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), {"machine_type": "g2-standard-8", "disk_size_gb": 50}),
        (("disk_size_gb=80",), {"disk_size_gb": 80}),
        ((accelerator("type:nvidia-l4;count:1;install-nvidia-driver:5xx"),), {}),
        (
            (
                driven("nvidia-l4", 4),
                "machine_type=g2-standard-48",
            ),
            {"disk_size_gb": 50},
        ),
        (
            (
                accelerator("type:nvidia-b200;count:1;install-nvidia-driver"),
                "machine_type=a4-highgpu-8g",
            ),
            {},
        ),
        (
            (
                f"-{SERVICE}",
                "-machine_type",
                f"resource_hints={GPU.partition('_')[2]}",
            ),
            {"machine_type": None},
        ),
    ],
)
def test_a_right_gpu_is_taken(
    changes: tuple[str, ...], expected: dict[str, object]
) -> None:
    taken = options(*changes, base=ON_GPU).get_all_options()
    assert {name: taken[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("kind", "machine", "name"),
    [
        ("nvidia-tesla-t4", "n1-standard-8", "Tesla T4"),
        ("nvidia-tesla-v100", "n1-highmem-8", "Tesla V100-SXM2-16GB"),
        ("nvidia-tesla-p100", "n1-standard-16", "Tesla P100-PCIE-16GB"),
        ("nvidia-tesla-a100", "a2-highgpu-1g", "NVIDIA A100-SXM4-40GB"),
        ("nvidia-h100-80gb", "a3-highgpu-1g", "NVIDIA H100 80GB HBM3"),
    ],
)
def test_each_gpu_is_taken_on_its_machine_by_its_name(
    kind: str, machine: str, name: str
) -> None:
    given = (driven(kind), f"machine_type={machine}")
    options(*given, base=ON_GPU, instructions=name)
    line = refusal(*given, base=ON_GPU, instructions="NVIDIA L4")
    assert line.startswith("--instruction_set: got NVIDIA L4, expected the name of")
    assert kind in line


def test_a_precision_that_the_gpu_has_not_is_refused() -> None:
    given = (driven("nvidia-tesla-t4"), "machine_type=n1-standard-8")
    line = refusal(*given, base=ON_GPU, precision="bf16", instructions="Tesla T4")
    assert "--precision: got bf16, expected f32 or f16" in line
    options(*given, base=ON_GPU, precision="f16", instructions="Tesla T4")
    options(base=ON_GPU, precision="bf16")
