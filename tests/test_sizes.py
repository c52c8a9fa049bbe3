"""How long modules and functions are, and how many arguments go by place."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 45
MAX_POSITIONAL = 3


def sources(*folders: str) -> list[Path]:
    return [
        path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_a_module_is_read_in_one_sitting() -> None:
    """Tests included; only tables of data may be longer."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in sources("fcn_core", "pipelines", "tests", "benchmarks")
    }
    assert {n: lines for n, lines in lengths.items() if lines > MAX_MODULE_LINES} == {}


def body_lines(function: ast.FunctionDef) -> int:
    """Returns the lines of a function from its first statement, docstring aside."""
    first = function.body[0]
    has_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = function.body[1:] if has_text else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_a_function_fits_on_a_screen() -> None:
    lengths = [
        (body_lines(function), f"{path.relative_to(ROOT)}:{function.name}")
        for path in sources("fcn_core", "pipelines", "tests", "benchmarks")
        for function in functions(path)
    ]
    assert [pair for pair in lengths if pair[0] > MAX_FUNCTION_LINES] == []


def test_what_goes_together_is_named() -> None:
    """Beyond three, arguments are given by name, or are one value."""
    many = []
    for path in sources("fcn_core", "pipelines", "benchmarks"):
        for function in functions(path):
            arguments = [*function.args.posonlyargs, *function.args.args]
            names = [a.arg for a in arguments if a.arg not in ("self", "cls")]
            if len(names) > MAX_POSITIONAL:
                many.append(f"{path.relative_to(ROOT)}:{function.name}")
    assert many == []
