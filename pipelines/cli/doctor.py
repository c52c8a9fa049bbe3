"""`fcn doctor`: is all well with this machine, and with what you name?

What a check needs is imported by the check: a library that does not load is a line, and
the other checks are done.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence

from pipelines.doctor.config import DoctorConfig
from pipelines.doctor.finding import Check, Finding
from pipelines.quiet_import import load


def doctor(arguments: Sequence[str]) -> int:
    """`fcn doctor`: a line for each check; 1 where one of them is wrong."""
    config, beam = DoctorConfig.parse(arguments)
    from pipelines.doctor.checkup import examine

    def check_flags() -> None:
        if beam:
            load("pipelines.doctor.engines:check_flags")(config, beam)

    checks = [*_here(config), *_named(config, beam)]
    findings = examine(checks, meanwhile=check_flags)
    is_wrong = any(finding.level == "wrong" for finding in findings)
    if config.json_output:
        answer = {
            "ok": not is_wrong,
            "checks": [dataclasses.asdict(finding) for finding in findings],
        }
        print(json.dumps(answer, indent=1))
    else:
        print("\n".join(map(_line, findings)))
    return 1 if is_wrong else 0


def _check(name: str, where: str, /, *given: object, **named: object) -> Check:
    """Returns a check whose function `module:name` of the room is imported late."""

    def look() -> Finding:
        finding: Finding = load(f"pipelines.doctor.{where}")(*given, **named)
        return finding

    return Check(name, look)


def _here(config: DoctorConfig) -> Iterator[Check]:
    """Yields what is checked in any case; none of it asks the network."""
    yield _check("python", "packages:check_python")
    yield _check("packages", "packages:check_packages")
    yield _check("arithmetic", "host:check_instructions", config)
    yield _check("cores", "host:check_cores_and_memory")
    yield _check("gpu", "host:check_gpu")
    yield _check("openvino", "models:check_openvino")
    yield _check("models", "models:check_models", config.model)
    yield _check("temporary", "host:check_temporary_folder")


def _named(config: DoctorConfig, beam: Sequence[str]) -> Iterator[Check]:
    """Yields what is checked because the person named it."""
    for name, place in (("input", config.input), ("output", config.output)):
        if place is not None:
            write = name == "output"
            yield _check(name, "places:check_place", name, place, write=write)
    if beam:
        yield _check("engine", "engines:check_engine", config, beam)


def _line(finding: Finding) -> str:
    cure = f"; {finding.cure}" if finding.cure else ""
    return f"{finding.level:<7}  {finding.check:<10}  {finding.detail}{cure}"
