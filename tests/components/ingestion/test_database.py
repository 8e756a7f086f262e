"""In: SQLite and a real PostgreSQL. Out: rows as text in one order; errors tell no password."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.errors import Away, DataError, ParamsError
from components.ingestion import database
from components.ingestion.database import BATCH_ROWS, facts, read_sql

COLUMNS = ("body", "intent")


@pytest.fixture
def lite(tmp_path: Path) -> str:
    """The URL of a SQLite file with a table of four rows."""
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (body TEXT, intent, at INTEGER, x REAL)")
        rows = [("b", "NA", 1, 0.5), ("a: b%", 7, 2, 0.5), ("", None, 3, 0.5), ("b", "NA", 4, 0.5)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def server(postgres_url: Callable[[str, str], str]) -> str:
    """The URL of a PostgreSQL with a table of many rows."""
    url = postgres_url("labelled", "psycopg")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                'CREATE TABLE t (body TEXT, "Intent" TEXT, at TIMESTAMPTZ, ok BOOLEAN, who UUID)'
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO t SELECT 'text ' || (i * 7919 % 5003), CASE i % 3 WHEN 0 THEN NULL "
                "ELSE 'l' || i % 3 END, CAST('2026-01-01 00\\:00+00' AS timestamptz) + i * "
                "interval '1 second', i % 2 = 0, '00000000-0000-0000-0000-000000000001' "
                f"FROM generate_series(1, {2 * BATCH_ROWS + 3}) AS i"
            )
        )
    engine.dispose()
    return url


def test_values_are_text_and_null_is_missing(lite: str) -> None:
    records = list(read_sql(f"sql:{lite} SELECT * FROM t", COLUMNS))
    assert records == [
        {"body": "", "intent": None},
        {"body": "a: b%", "intent": "7"},
        {"body": "b", "intent": "NA"},
        {"body": "b", "intent": "NA"},
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT body, intent FROM t ORDER BY at DESC",
        "SELECT body, intent FROM t ORDER BY at;",
        "WITH u AS (SELECT * FROM t) SELECT intent, body, at FROM u",
        "SELECT body, intent FROM t WHERE body <> ':none' AND body NOT LIKE '%::x'",
    ],
)
def test_the_order_is_the_same_whatever_the_query_says(lite: str, query: str) -> None:
    plain = list(read_sql(f"sql:{lite} SELECT * FROM t", COLUMNS))
    assert list(read_sql(f"sql:{lite} {query}", COLUMNS)) == plain


@pytest.mark.parametrize(
    ("query", "columns", "message"),
    [
        ("SELECT * FROM t", ("text",), r"column 'text' is missing.*found: body, intent, at, x"),
        ("SELECT * FROM t", ("body", "x"), r"row 1: column 'x' holds a float, not text"),
        ("SELECT * FROM u", COLUMNS, r"no such table: u"),
        ("SELECT body intent FROM", COLUMNS, r"syntax error"),
        ("SELECT * FROM t) AS a; DELETE FROM t; SELECT (1", COLUMNS, r"syntax error|one statement"),
    ],
)
def test_what_the_database_refuses_is_told(
    lite: str, query: str, columns: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=rf"^sql:sqlite:///.*a\.db.*{message}") as caught:
        list(read_sql(f"sql:{lite} {query}", columns))
    assert caught.value.cure
    assert len(list(read_sql(f"sql:{lite} SELECT * FROM t", COLUMNS))) == 4


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///nowhere.db", "nowhere.db is no file"),
        ("nothing://h/d", "load plugin"),
        ("mysql+pymysql://u@h/d", "the driver is not installed"),
        ("postgresql+psycopg://h:port/d", "is no URL of a database"),
    ],
)
def test_addresses_that_lead_nowhere_are_told(url: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        list(read_sql(f"sql:{url} SELECT 1 AS body", ("body",)))
    assert caught.value.cure
    assert not Path("nowhere.db").exists()


def test_a_database_that_does_not_answer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_PASSWORD", "s3cret")
    name = "sql:postgresql+psycopg://u:${OWN_PASSWORD}@127.0.0.1:9/d SELECT 1 AS body"
    with pytest.raises(Away, match=r"\$\{OWN_PASSWORD\}@127.0.0.1:9/d: .*refused") as caught:
        list(read_sql(name, ("body",)))
    assert "s3cret" not in str(caught.value)


def test_postgres_rows_are_streamed_in_one_order(server: str) -> None:
    name = f"sql:{server} SELECT * FROM t"
    records = list(read_sql(name, ("body", "Intent", "ok", "who")))
    assert len(records) == 2 * BATCH_ROWS + 3
    assert records == sorted(
        records, key=lambda r: [(v is None, v) for v in (r["body"], r["Intent"], r["ok"])]
    )
    assert {record["ok"] for record in records} == {"true", "false"}
    assert {record["who"] for record in records} == {"00000000-0000-0000-0000-000000000001"}
    descending = f"sql:{server} SELECT * FROM t ORDER BY at DESC"
    assert list(read_sql(descending, ("body", "Intent", "ok", "who"))) == records


def test_postgres_gives_rows_before_it_has_read_them_all(server: str) -> None:
    with database._connected(f"sql:{server} SELECT 1") as connection:
        streamed = connection.execution_options(yield_per=BATCH_ROWS)
        with contextlib.closing(streamed.execute(sa.text("TABLE t"))) as result:
            assert type(result.cursor).__name__ == "ServerCursor"


def test_postgres_transactions_only_read(server: str) -> None:
    with (
        pytest.raises(DataError, match="read-only transaction"),
        database._connected(f"sql:{server} SELECT 1") as connection,
    ):
        connection.exec_driver_sql("DELETE FROM t")


def test_signs_of_parameters_in_a_query_are_text_like_any_other(server: str) -> None:
    where = "body LIKE 'text%' AND at::date > '2025-12-31' AND body <> '%s :x %(y)s'"
    found = list(read_sql(f"sql:{server} SELECT body FROM t WHERE {where}", ("body",)))
    assert len(found) == 2 * BATCH_ROWS + 3


def test_times_must_be_written_as_text_in_the_query(server: str) -> None:
    with pytest.raises(DataError, match="row 1: column 'at' holds a datetime, not text") as caught:
        list(read_sql(f"sql:{server} SELECT * FROM t", ("body", "at")))
    assert "CAST(at AS VARCHAR) AS at" in caught.value.cure
    name = f"sql:{server} SELECT body, to_char(at AT TIME ZONE 'UTC', 'HH24:MI') AS at FROM t"
    assert {record["at"] for record in read_sql(name, ("at",))} >= {"00:00", "00:59"}


def test_a_whole_url_or_its_password_may_stand_in_the_environment(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ParamsError, match="the environment has no OWN_URL"):
        list(read_sql("sql:${OWN_URL} SELECT body FROM t", ("body",)))
    monkeypatch.setenv("OWN_URL", server.replace("touchstone@", "touchstone:p%40%2Fss%3Aw%25rd@"))
    monkeypatch.setenv("OWN_PASSWORD", "p@/ss:w%rd")
    apart = server.replace("touchstone@", "touchstone:${OWN_PASSWORD}@")
    for url in ("${OWN_URL}", apart):
        assert len(list(read_sql(f"sql:{url} SELECT body FROM t", ("body",)))) > BATCH_ROWS
        with pytest.raises(DataError, match='relation "u" does not exist') as caught:
            list(read_sql(f"sql:{url} SELECT body FROM u", ("body",)))
        assert "p@/ss" not in str(caught.value)


def test_facts_follow_the_rows_and_nothing_else(lite: str) -> None:
    name = f"sql:{lite} SELECT * FROM t"
    path = lite.removeprefix("sqlite:///")
    first = facts(name, COLUMNS, None)
    assert first["rows"] == 4
    assert first == facts(f"sql:{lite} SELECT * FROM t ORDER BY at DESC", COLUMNS, None)
    assert facts(name, COLUMNS, "at") == {"rows": 4, "changed": "4"}
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE t SET x = 1.5 WHERE at = 1")
    assert facts(name, COLUMNS, None) == first, "a column that is not read does not count"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE t SET intent = 'nan', at = 5 WHERE at = 3")
    connection.close()
    assert facts(name, COLUMNS, None) != first
    assert facts(name, COLUMNS, "at") == {"rows": 4, "changed": "5"}
    with pytest.raises(DataError, match="column 'ats' is missing"):
        facts(name, COLUMNS, "ats")
    assert facts(f"sql:{lite} SELECT * FROM t WHERE at > 9", COLUMNS, "at") == {
        "rows": 0,
        "changed": None,
    }


def test_moments_do_not_depend_on_the_time_zone_of_who_asks(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"sql:{server} SELECT * FROM t"
    found = []
    for zone in ("UTC", "Asia/Tokyo"):
        monkeypatch.setenv("PGTZ", zone)
        found.append(facts(name, ("body",), "at"))
    assert found[0] == found[1]
    assert found[0]["changed"].endswith("+00:00")
