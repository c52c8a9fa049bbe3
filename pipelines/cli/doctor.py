"""`fcn doctor`: is all well with this machine, and with what you name?"""

import dataclasses
import functools
import json
from collections.abc import Iterator, Sequence

from pipelines.doctor.config import DoctorConfig
from pipelines.doctor.finding import Check, Finding


def doctor(arguments: Sequence[str]) -> int:
    """`fcn doctor`: a line for each check; 1 where one of them is wrong."""
    config, beam = DoctorConfig.parse(arguments)
    from pipelines.doctor.checkup import examine

    findings = examine([*_here(config), *_named(config, beam)])
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


def _here(config: DoctorConfig) -> Iterator[Check]:
    """Yields what is checked in any case; none of it asks the network."""
    from pipelines.doctor import host, models, packages

    yield Check("python", packages.check_python)
    yield Check("packages", packages.check_packages)
    yield Check("arithmetic", functools.partial(host.check_instructions, config))
    yield Check("cores", host.check_cores_and_memory)
    yield Check("gpu", host.check_gpu)
    yield Check("openvino", models.check_openvino)
    yield Check("models", functools.partial(models.check_models, config.model))
    yield Check("temporary", host.check_temporary_folder)


def _named(config: DoctorConfig, beam: Sequence[str]) -> Iterator[Check]:
    """Yields what is checked because the person named it."""
    from pipelines.doctor import engines, places

    for name, place in (("input", config.input), ("output", config.output)):
        if place is not None:
            look = functools.partial(
                places.check_place, name, place, write=name == "output"
            )
            yield Check(name, look)
    if beam:
        yield Check("engine", functools.partial(engines.check_engine, config, beam))


def _line(finding: Finding) -> str:
    cure = f"; {finding.cure}" if finding.cure else ""
    return f"{finding.level:<7}  {finding.check:<10}  {finding.detail}{cure}"
