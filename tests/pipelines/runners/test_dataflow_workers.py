"""Dataflow's workers: every rule refuses in one line."""

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


@pytest.mark.parametrize(
    ("changes", "keywords"),
    [
        (("-max_num_workers",), ("--max_num_workers: got nothing", "no cap")),
        (("max_num_workers=0",), ("--max_num_workers: got 0", "1 or more")),
        (("num_workers=0",), ("--num_workers: got 0", "1 or more")),
        (("num_workers=-3",), ("--num_workers: got -3", "1 or more")),
        (("num_workers=21",), ("got 21", "at most --max_num_workers, which is 20")),
        (("max_num_workers=many",), ("max_num_workers", "invalid int")),
        (("number_of_worker_harness_threads=0",), ("threads: got 0", "1 or more")),
        (("autoscaling_algorithm=FAST",), ("invalid choice", "THROUGHPUT_BASED")),
        (("autoscaling_algorithm=NONE",), ("--num_workers: got nothing", "NONE")),
        (
            ("autoscaling_algorithm=NONE", "num_workers=4"),
            ("--max_num_workers: got 20", "the 4 of --num_workers"),
        ),
        (
            ("experiments=use_multiple_sdk_containers",),
            ("no_use_multiple_sdk_containers", "lanes of all its cores"),
        ),
        (("experiments=disable_runner_v2",), ("Runner v2",)),
        (("-machine_type",), ("--machine_type: got nothing", "one arithmetic")),
        (("machine_type=big",), ("--machine_type: got big", "c3-standard-8")),
        ((f"{SERVICE}=enable_prime",), ("Prime chooses machines",)),
        (("machine_type=g2-standard-8",), ("its GPU in --dataflow_service", "idle")),
        ((FLEXRS, f"{SERVICE}=enable_prime", "-machine_type"), ("no FlexRS on Prime",)),
        (
            (
                FLEXRS,
                "autoscaling_algorithm=NONE",
                "num_workers=4",
                "max_num_workers=4",
            ),
            ("THROUGHPUT_BASED", "FlexRS is for jobs that scale"),
        ),
        ((FLEXRS, "machine_type=g2-standard-8"), ("no GPU: FlexRS has none",)),
        ((FLEXRS, "resource_hints=min_ram=16GB"), ("no right fitting on FlexRS",)),
        (("flexrs_goal=CHEAP",), ("invalid choice", "COST_OPTIMIZED")),
        ((f"{SERVICE}={GPU}",), ("got openvino", "--engine tensorflow")),
    ],
)
def test_wrong_workers_are_refused(
    changes: tuple[str, ...], keywords: tuple[str, ...]
) -> None:
    line = refusal(*changes)
    for keyword in keywords:
        assert keyword in line


@pytest.mark.parametrize(
    "changes",
    [
        ("num_workers=20",),
        ("autoscaling_algorithm=NONE", "num_workers=4", "-max_num_workers"),
        (FLEXRS,),
        (f"{SERVICE}=enable_prime", "-machine_type"),
        ("resource_hints=min_ram=16GB", "-machine_type"),
        ("experiments=no_use_multiple_sdk_containers,upload_graph",),
    ],
)
def test_right_workers_are_taken(changes: tuple[str, ...]) -> None:
    taken = options(*changes).get_all_options()
    assert taken["max_num_workers"] == (4 if "num_workers=4" in changes else 20)
    assert taken["experiments"].count("no_use_multiple_sdk_containers") == 1


@pytest.mark.parametrize(
    ("machine", "precision", "got", "keywords"),
    [
        ("c3-standard-8", "f32", "auto", ("got auto", "avx512, which c3-standard-8")),
        ("c3-standard-8", "f32", "avx2", ("got avx2", "the launcher is not the")),
        ("c3-standard-8", "bf16", "avx512", ("amx_bf16, which",)),
        ("c2d-standard-8", "bf16", "avx2", ("f32 as --precision",)),
        ("c2-standard-8", "int8", "avx512", ("avx512_vnni, which",)),
        ("c3-standard-8", "int8+f32", "avx512", ("amx_int8, which",)),
        ("n2-standard-8", "f32", "auto", ("what all workers have",)),
    ],
)
def test_what_computes_is_named(
    machine: str, precision: str, got: str, keywords: tuple[str, ...]
) -> None:
    line = refusal(f"machine_type={machine}", precision=precision, instructions=got)
    assert line.startswith("--instruction_set: ")
    for keyword in keywords:
        assert keyword in line
    assert "such as NVIDIA L4" in refusal(base=ON_GPU, instructions="auto")


@pytest.mark.parametrize(
    ("machine", "precision", "given"),
    [
        ("c3-standard-8", "bf16", "amx_bf16"),
        ("c3d-standard-8", "bf16", "avx512_bf16"),
        ("c2d-standard-8", "f32", "avx2"),
        ("c2d-standard-8", "int8", "avx2"),
        ("c3d-standard-8", "int8", "avx512_vnni"),
        ("c2-standard-8", "int8+f32+f32", "avx512_vnni"),
        ("n2-standard-8", "f32", "avx2"),
    ],
)
def test_what_computes_is_taken(machine: str, precision: str, given: str) -> None:
    options(f"machine_type={machine}", precision=precision, instructions=given)
