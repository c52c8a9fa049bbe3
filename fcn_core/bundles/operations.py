"""Finds operations in a SavedModel that reach out of the graph, without loading it.

A model needs arithmetic and decoding only. A model that reads or writes files or calls
Python is not trusted: loading it may already run something.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fcn_core.bundles.card import ModelError

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef

_SAVERS: Final = frozenset({"SaveV2", "MergeV2Checkpoints", "ShardedFilename"})
"""Every SavedModel has them for its variables: harmless unless a signature does."""

FORBIDDEN: Final = _SAVERS | {
    "DebugIdentityV2",
    "EagerPyFunc",
    "FixedLengthRecordDataset",
    "FixedLengthRecordDatasetV2",
    "MatchingFiles",
    "PrintV2",
    "PyFunc",
    "PyFuncStateless",
    "ReadFile",
    "Save",
    "SaveSlices",
    "TFRecordDataset",
    "TFRecordDatasetV2",
    "TextLineDataset",
    "WholeFileReaderV2",
    "WriteFile",
}


def check_operations(folder: Path) -> int:
    """Checks every node of a SavedModel and returns their number.

    Raises:
        ModelError: The file is not readable, or an operation is not arithmetic.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    path = Path(folder) / "saved_model.pb"
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(path.read_bytes())
    except (OSError, DecodeError):
        raise ModelError(
            f"{path} is not readable as a SavedModel; copy the bundle again"
        ) from None
    total, found = 0, set()
    for graph in model.meta_graphs:
        functions = {f.signature.name: f for f in graph.graph_def.library.function}
        nodes = list(graph.graph_def.node)
        every = [*nodes, *(n for f in functions.values() for n in f.node_def)]
        total += len(every)
        found |= {node.op for node in every} & (FORBIDDEN - _SAVERS)
        found |= _reached_operations(graph, functions) & FORBIDDEN
    if found:
        raise ModelError(
            f"{folder} contains the operations {', '.join(sorted(found))}, expected"
            " arithmetic only; do not use this model, or export it without them"
        )
    return total


def producer(reference: str) -> str:
    """Returns the node's name in "node", "node:1", "node:output:0" or "^node"."""
    return reference.lstrip("^").split(":")[0]


def _reached_operations(graph: Any, functions: "Mapping[str, FunctionDef]") -> set[str]:
    """Returns the operations that some signature of the graph can run."""
    nodes = {node.name: node for node in graph.graph_def.node}
    pending = [
        producer(tensor.name)
        for signature in graph.signature_def.values()
        for tensor in signature.outputs.values()
    ]
    seen: set[str] = set()
    called: list[str] = []
    while pending:
        name = pending.pop()
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        pending += [producer(text) for text in nodes[name].input]
        called += _called_functions([nodes[name]])
    return {nodes[name].op for name in seen} | _called_operations(called, functions)


def _called_operations(
    called: list[str], functions: "Mapping[str, FunctionDef]"
) -> set[str]:
    """Returns the operations of functions and of all that these call in turn."""
    operations: set[str] = set()
    entered: set[str] = set()
    while called:
        name = called.pop()
        if name in entered or name not in functions:
            continue
        entered.add(name)
        body = functions[name].node_def
        operations |= {node.op for node in body}
        called += _called_functions(body)
    return operations


def _called_functions(nodes: Iterable[Any]) -> list[str]:
    """Returns the functions named by the attributes of nodes (calls, branches...)."""
    names = []
    for node in nodes:
        for value in node.attr.values():
            if value.HasField("func"):
                names.append(value.func.name)
            names += [function.name for function in value.list.func]
    return names
