"""Whether a server is there before a job is planned for it: one line, in seconds."""

import socket
from typing import Final

import grpc
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipelines.faults import SystemicFault, UsageError

_ANSWER_SECONDS: Final = 5.0
_SCHEMES: Final = ("http://", "https://")


def parse(flag: str, address: str) -> tuple[str, int]:
    """Returns host and port of an address such as `localhost:8099`.

    Raises:
        UsageError: It is none.
    """
    bare = address
    for scheme in _SCHEMES:
        bare = bare.removeprefix(scheme)
    host, _, port = bare.rstrip("/").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise UsageError(
            f"{flag}: got {address}, expected host:port such as localhost:8099"
        )
    return host.strip("[]"), int(port)


def check_answers(flag: str, address: str, *, expected: str, cure: str) -> None:
    """Checks that something listens at an address.

    Args:
        flag: Where the address comes from.
        address: Its host and port.
        expected: What should listen there.
        cure: How to start it.

    Raises:
        UsageError: It is no address.
        SystemicFault: Nobody answers.
    """
    try:
        with socket.create_connection(parse(flag, address), timeout=_ANSWER_SECONDS):
            return
    except OSError as error:
        raise SystemicFault(
            f"{flag}: got no answer from {address}, expected {expected}; {cure}"
        ) from error


def check_job_server(address: str, *, cure: str) -> None:
    """Checks that a Beam job server answers to `--job_endpoint`.

    Raises:
        UsageError: It is no address.
        SystemicFault: Nobody answers, or another kind of server.
    """
    flag, expected = "--job_endpoint", "a Beam job server"
    check_answers(flag, address, expected=expected, cure=cure)
    with grpc.insecure_channel(address) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        request = beam_job_api_pb2.DescribePipelineOptionsRequest()
        try:
            stub.DescribePipelineOptions(request, timeout=_ANSWER_SECONDS)
        except grpc.RpcError as error:
            raise SystemicFault(
                f"{flag}: got another answer from {address} ({error.code().name}), "
                f"expected that of {expected}; {cure}"
            ) from error
