"""The rule of power losses: what a name mentions is durable before the name is there.

A part mentions its masks, a plan its pieces and its index, a commit its parts and
their hashes, `_SUCCESS` the table and the commit, summary and page the mark `_SUCCESS`.
What appears under a name of ours must have durable bytes itself, or it may be found
empty.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from tests.faults.durable import FileSystem, parents, replay
from tests.faults.output import role_of, rows_of
from tests.faults.shim import Call

Mentions = Callable[[FileSystem, str, bytes], Iterator[str]]


def _masks(system: FileSystem, name: str, data: bytes) -> Iterator[str]:
    for row in rows_of(data, ["mask_path"]):
        if row["mask_path"]:
            yield row["mask_path"].partition("#")[0]


def _pieces(system: FileSystem, name: str, data: bytes) -> Iterator[str]:
    yield from _named(system, json.loads(data), "pieces", "index")


def _named(system: FileSystem, value: Any, *fields: str) -> Iterator[str]:
    """Yields files of ours that a plan or a commit names."""
    names = [file["name"] for field in fields for file in value.get(field, [])]
    roles = ("piece", "index")
    found = {n.rpartition("/")[2]: n for n in system.live if role_of(n) in roles}
    yield from (found.get(name, name) for name in names)


def _parts(system: FileSystem, name: str, data: bytes) -> Iterator[str]:
    if json.loads(data).get("verdict") != "success":
        return
    yield from _named(system, json.loads(data), "parts", "retries")
    folder = name.rpartition("/")[0]
    for other in system.live:
        if other.startswith(f"{folder}/") and role_of(other) == "part":
            yield other


def _table(system: FileSystem, name: str, data: bytes) -> Iterator[str]:
    folder = name.rpartition("/")[0]
    night = folder.rpartition("/")[2]
    for other in system.live:
        if other.startswith(f"{folder}/") and role_of(other) == "table":
            yield other
        if night in other.split("/") and role_of(other) == "commit":
            yield other


def _success(system: FileSystem, name: str, data: bytes) -> Iterator[str]:
    night = name.split("/")[1]
    yield f"scores/{night}/_SUCCESS"


_MENTIONS: Final[dict[str, Mentions]] = {
    "part": _masks,
    "plan": _pieces,
    "commit": _parts,
    "success": _table,
    "summary": _success,
    "page": _success,
}


def score_rule(system: FileSystem, name: str) -> Iterator[str]:
    """Yields what is not durable although a name of an output says so."""
    role = role_of(name)
    if role is None:
        return
    # A mask's bytes may still be lost when it appears: its part comes later.
    if role != "mask" and not system.live[name].is_durable:
        yield f"a {role} appears before its own bytes are durable"
    mentions = _MENTIONS.get(role)
    if mentions is None:
        return
    for other in sorted(set(mentions(system, name, bytes(system.live[name].live)))):
        if not system.is_durable(other):
            what = f"a {role} appears before a {role_of(other)} is durable"
            yield f"{what}: {_why(system, other)}"


def _why(system: FileSystem, name: str) -> str:
    if name not in system.live:
        return "it is not there"
    if not system.live[name].is_durable:
        return "its bytes are not"
    for folder in parents(name):
        if system.durable.get(folder) is not system.live.get(folder):
            return f"the name of its folder {folder.split('/')[0]}/... is not"
    return "its name is not"


def dataset_rule(system: FileSystem, name: str) -> Iterator[str]:
    """Yields what is not durable although a name of a converted data set says so."""
    if name.rpartition("/")[2].startswith("."):
        return
    if not system.live[name].is_durable:
        yield "a file of the data set appears before its own bytes are durable"
    if name != "COMPLETED":
        return
    for other, node in sorted(system.live.items()):
        is_result = "/" not in other and not other.startswith((".", "_"))
        if not is_result or node.is_folder or other == name:
            continue
        if not system.is_durable(other):
            yield f"COMPLETED appears before a file is durable: {other}"


Rule = Callable[[FileSystem, str], Iterator[str]]


def broken(
    system: FileSystem, calls: Iterable[Call], data: bytes, *, rule: Rule
) -> list[str]:
    """Returns where a log breaks a rule.

    Args:
        system: As it was before the first call.
        calls: The log.
        data: The written bytes.
        rule: What is said about a name that appears.
    """
    return [
        f"call {call.number}: {text}"
        for call, now in replay(system, calls, data)
        if call.op in ("link", "rename") and call.is_done
        for text in rule(now, now.name(call.path2))
    ]
