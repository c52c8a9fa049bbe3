"""A DAG that Airflow imports, whose task maps exit codes to what Airflow does."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.schedules.stub import ODD, Stub, python_with, rendered

STAND_INS = {
    "pendulum": "def datetime(*a, tz): return (a, tz)\n",
    "airflow/__init__": "",
    "airflow/sdk/__init__": (
        "made = []\n"
        "class DAG:\n"
        "    def __init__(self, **k): made.append(k)\n"
        "    def __enter__(self): return self\n"
        "    def __exit__(self, *a): pass\n"
        "def task(**k):\n"
        "    def wrap(run):\n"
        "        made.append(k | {'run': run})\n"
        "        return lambda: None\n"
        "    return wrap\n"
    ),
    "airflow/sdk/exceptions": (
        "class AirflowException(Exception): pass\n"
        "class AirflowFailException(AirflowException): pass\n"
    ),
}
"""As much of Airflow as the file needs: module -> source."""

RUN = (
    "import runpy, sys, airflow.sdk as sdk\n"
    "runpy.run_path(sys.argv[1])\n"
    "task, dag = sdk.made\n"
    "run = task.pop('run')\n"
    "print(sorted(dag.items()), sorted(task))\n"
    "try:\n"
    "    run()\n"
    "except Exception as error:\n"
    "    print('raised', type(error).__name__, error)\n"
)


def _dag(home: Path, /, **fields: object) -> str:
    return rendered(home, "airflow", **fields)["fcn-nightly.py"]


def _keywords(call: ast.Call) -> dict[str, Any]:
    return {str(each.arg): ast.unparse(each.value) for each in call.keywords}


def _calls(text: str, name: str) -> list[dict[str, Any]]:
    return [
        _keywords(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name
    ]


def test_one_night_at_a_time_and_none_made_up_for(tmp_path: Path) -> None:
    text = _dag(tmp_path, at="04:05", retries=2, hours=6)
    (dag,) = _calls(text, "DAG")
    assert dag["max_active_runs"] == "1"
    assert dag["catchup"] == "False"
    assert dag["schedule"] == "'5 4 * * *'"
    assert "tz='Europe/Berlin'" in dag["start_date"]
    (task,) = _calls(text, "task")
    assert task["retries"] == "2"
    assert task["execution_timeout"] == "timedelta(hours=6)"


def test_imports_nothing_of_ours(tmp_path: Path) -> None:
    names = {
        name.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(ast.parse(_dag(tmp_path)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert {name.partition(".")[0] for name in names} == {
        *("airflow", "datetime", "pendulum", "signal", "subprocess"),
    }


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (0, None),
        (1, "raised AirflowException exit code 1; the same command goes on"),
        (2, "raised AirflowFailException exit code 2"),
        (3, "raised AirflowFailException exit code 3"),
        (130, "raised AirflowException exit code 130"),
    ],
)
def test_exit_codes_become_what_airflow_does(
    tmp_path: Path, code: int, says: str | None
) -> None:
    home, stub = tmp_path / ODD, Stub(tmp_path / ODD / "bin", code=code)
    for name, source in STAND_INS.items():
        path = tmp_path / "site" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    file = tmp_path / "dag.py"
    file.write_text(_dag(home, program=str(stub.path)), encoding="ascii")
    done = subprocess.run(
        [sys.executable, "-c", RUN, os.fspath(file)],
        env={"PYTHONPATH": os.fspath(tmp_path / "site"), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    config = os.fspath(home / "nightly.yaml")
    assert stub.called() == (["nightly", "--config", config], os.fspath(home))
    assert "a line of the log" in done.stdout
    raised = [line for line in done.stdout.splitlines() if line.startswith("raised")]
    assert raised == ([] if says is None else raised)
    assert says is None or raised[0].startswith(says)


IMPORT = (
    "import sys\n"
    "try:\n"
    "    from airflow.dag_processing.dagbag import DagBag\n"
    "except ImportError:  # Airflow 2\n"
    "    from airflow.models.dagbag import DagBag\n"
    "bag = DagBag(sys.argv[1])\n"
    "print('errors', bag.import_errors)\n"
    "dag = bag.dags['fcn-nightly']\n"
    "task = dag.get_task('night')\n"
    "print(dag.max_active_runs, dag.catchup)\n"
    "print(task.retries, task.execution_timeout)\n"
    "try:\n"
    "    task.python_callable()\n"
    "except Exception as error:\n"
    "    print('raised', type(error).__name__)\n"
)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_real_airflow_imports_it(tmp_path: Path) -> None:
    """In an environment of its own: Airflow's packages and ours do not fit together."""
    python = python_with(
        "apache-airflow>=3,<4", tmp_path / "airflow", variable="FCN_AIRFLOW_PYTHON"
    )
    stub, dags = Stub(tmp_path / "bin", code=3), tmp_path / "dags"
    dags.mkdir()
    (dags / "fcn-nightly.py").write_text(_dag(tmp_path, program=str(stub.path)))
    done = subprocess.run(
        [python, "-c", IMPORT, os.fspath(dags)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.fspath(tmp_path),
            "AIRFLOW_HOME": os.fspath(tmp_path / "airflow-home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "errors {}" in done.stdout
    assert "1 False" in done.stdout
    assert "3 20:00:00" in done.stdout
    assert "raised AirflowFailException" in done.stdout
    assert stub.called()[0][:2] == ["nightly", "--config"]
