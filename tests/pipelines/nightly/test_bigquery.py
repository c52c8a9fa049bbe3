"""A night replaces its partition: a service on this machine, and DuckDB as its twin."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.faults import SystemicFault, UsageError
from pipelines.nightly import bigquery, bigquery_schema
from pipelines.nightly.bigquery import BigQuerySettings, load, load_night, one_file
from pipelines.score.rows import SCORES_SCHEMA
from tests.doubles import bigquery_service
from tests.doubles.bigquery_service import Service
from tests.drawn import outcomes
from tests.drawn.two_nights import AFTER, BEFORE, failed, row, write

TABLE = "my-project.photos.scores"
SETTINGS = BigQuerySettings(table=TABLE)
_DUCKDB = {
    "VARCHAR": "STRING",
    "INTEGER": "INTEGER",
    "BIGINT": "INTEGER",
    "FLOAT": "FLOAT",
    "DATE": "DATE",
}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    pytest.importorskip("google.cloud.bigquery", reason="pip install 'fcn[gcp]'")
    with bigquery_service.service() as running:
        address = f"http://127.0.0.1:{running.port}"
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
        yield running


def test_a_load_replaces_exactly_its_partition(
    service: Service, tmp_path: Path
) -> None:
    first = write(tmp_path, BEFORE, [row(1), row(2), failed(3)])
    second = write(tmp_path, AFTER, [row(4)])
    for night in (first, second, first):  # again without harm
        answer = load_night(SETTINGS, night)
    assert answer["partition"] == f"{TABLE}$20261119"
    assert answer["rows"] == 3
    rows = {name: len(found) for name, found in service.partitions.items()}
    assert rows == {"scores$20261119": 3, "scores$20261120": 1}
    loaded = service.partitions["scores$20261119"]
    assert loaded["status"].to_pylist() == ["ok", "ok", "failed"]
    assert loaded["segmentation_classes"].to_pylist() == [[0, 1], [0, 1], None]
    made = service.tables["scores"]
    assert made["schema"]["fields"] == bigquery_schema.columns()
    assert made["timePartitioning"] == {"type": "DAY", "field": "run_date"}
    job = service.jobs[0]
    assert (job["sourceFormat"], job["createDisposition"]) == (
        "PARQUET",
        "CREATE_NEVER",
    )
    assert job["parquetOptions"] == {"enableListInference": True}


def test_the_rows_of_replays_are_in_their_nights_partition(
    service: Service, tmp_path: Path
) -> None:
    night = write(tmp_path, BEFORE, [row(1), failed(2)])
    folder = Path(night.scores)
    replay = write(tmp_path / "other", BEFORE, [row(2)])
    (table,) = Path(replay.scores).glob("*.parquet")
    table.rename(folder / "scores-replay-1-00000-of-00001.parquet")
    assert load_night(SETTINGS, night)["rows"] == 2, "it is not published yet"
    (folder / "_SUCCESS-replay-1").touch()
    assert load_night(SETTINGS, night)["rows"] == 3
    assert bigquery.preview(SETTINGS, night)["rows"] == 3


def test_an_empty_night_empties_its_partition(service: Service, tmp_path: Path) -> None:
    load_night(SETTINGS, write(tmp_path / "a", BEFORE, [row(1)]))
    outcome = outcomes.success(output=str(tmp_path / "b"), run_date=BEFORE)
    write(tmp_path / "b", BEFORE, [])
    load(SETTINGS, outcome)
    assert len(service.partitions["scores$20261119"]) == 0


def test_a_refusal_is_one_line_with_the_command(
    service: Service, tmp_path: Path
) -> None:
    service.refusal = (403, "Access Denied: Table my-project:photos.scores")
    night = write(tmp_path, BEFORE, [row(1)])
    with pytest.raises(SystemicFault, match="Access Denied") as fault:
        load_night(SETTINGS, night)
    text = str(fault.value)
    assert f"fcn bigquery {night.out} --table {TABLE} --run_date {BEFORE}" in text
    assert "\n" not in text


def test_what_is_not_published_is_not_loaded(tmp_path: Path) -> None:
    night = write(tmp_path, BEFORE, [row(1)])
    Path(night.success).unlink()
    with pytest.raises(UsageError, match="expected one with _SUCCESS"):
        load_night(SETTINGS, night)


def test_the_schema_is_that_of_the_real_file(tmp_path: Path) -> None:
    """DuckDB reads the Parquet file by itself; BigQuery's columns must be those."""
    night = write(tmp_path, BEFORE, [row(1), failed(2)])
    path = tmp_path / "sent.parquet"
    with one_file([night]) as file:
        path.write_bytes(file.read())
    found = duckdb.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    described = [
        {
            "name": name,
            "type": _DUCKDB[kind.removesuffix("[]")],
            "mode": "REPEATED" if kind.endswith("[]") else "",
        }
        for name, kind, *_ in found
    ]
    columns = json.loads(bigquery_schema.text())
    for column in columns:
        is_needed = column["mode"] == "REQUIRED"
        name = column["name"]
        if name != "run_date":
            assert is_needed == (not SCORES_SCHEMA.field(name).nullable)
        column["mode"] = "REPEATED" if column["mode"] == "REPEATED" else ""
    assert described == columns


def test_the_twin_in_duckdb(tmp_path: Path) -> None:
    """Delete and insert of one partition, as the load job does it, twice."""
    nights = [
        write(tmp_path, BEFORE, [row(1), failed(2)]),
        write(tmp_path, AFTER, [row(3)]),
    ]
    database = duckdb.connect()
    paths = [tmp_path / f"{number}.parquet" for number in range(2)]
    for night, path in zip(nights, paths, strict=True):
        with one_file([night]) as file:
            path.write_bytes(file.read())
    database.execute(
        f"CREATE TABLE scores AS SELECT * FROM read_parquet('{paths[0]}') LIMIT 0"
    )
    for number in (0, 1, 0):
        date = nights[number].run_date
        database.execute(f"DELETE FROM scores WHERE run_date = DATE '{date}'")
        database.execute(
            f"INSERT INTO scores SELECT * FROM read_parquet('{paths[number]}')"
        )
    query = "SELECT run_date::VARCHAR, count(*) FROM scores GROUP BY 1 ORDER BY 1"
    assert database.execute(query).fetchall() == [(BEFORE, 2), (AFTER, 1)]
