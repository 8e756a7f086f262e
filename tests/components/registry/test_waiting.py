"""In: MLflow and databases that answer in many ways. Out: which of them say that they are away."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.patience import database_away
from components.registry import Registry, refusal, start_study
from components.registry.locks import connects, engine_of, safe, transaction
from components.registry.waiting import away, books

BOOKS = "http://mlflow.example"


@pytest.fixture
def remote(tmp_path: Path) -> Registry:
    return Registry(BOOKS, tmp_path, None)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_server_that_says_not_now_is_away(remote: Registry, status: int) -> None:
    from mlflow.exceptions import MlflowException

    assert away(
        remote,
        MlflowException(f"API request to endpoint / failed with error code {status} != 200."),
    )
    assert away(remote, MlflowException(f"Max retries (too many {status} error responses)"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_a_server_that_refuses_is_there(remote: Registry, status: int) -> None:
    from mlflow.exceptions import MlflowException

    assert not away(remote, MlflowException(f"endpoint / failed with error code {status} != 200."))
    assert not away(remote, MlflowException("no such run", 1))


def test_a_server_that_fails_is_asked_again_since_its_database_may_have_gone() -> None:
    from mlflow.exceptions import MlflowException

    failed = MlflowException("Max retries (too many 500 error responses)")
    assert books(BOOKS).doubtful(failed)
    assert not books(BOOKS).absent(failed)
    assert not books(BOOKS).doubtful(MlflowException("endpoint / failed with error code 403 != 2"))


def test_what_is_refused_is_told_in_a_sentence_without_a_password(
    registry: Registry, name: str
) -> None:
    from mlflow.exceptions import MlflowException

    start_study(registry, f"{name}-study", "one", {})
    found = registry.client.get_experiment_by_name(f"{name}-study")
    registry.client.delete_experiment(found.experiment_id)
    with pytest.raises(MlflowException, match="active") as caught:
        start_study(registry, f"{name}-study", "two", {})
    told = refusal(caught.value)
    assert told is not None
    assert told.what.startswith("MLflow refused: ")
    assert "active" in told.what
    assert told.cure
    secret = refusal(sa.exc.ArgumentError("no such host in //me:secret@db\nand more"))
    assert secret is not None
    assert secret.what.endswith("refused: no such host in //db")


def test_an_error_of_our_own_is_no_refusal() -> None:
    assert refusal(ValueError("a mistake in the code")) is None
    assert refusal(KeyError("digest")) is None


def test_a_server_whose_database_is_away_is_away(remote: Registry) -> None:
    from mlflow.exceptions import RestException

    assert away(remote, RestException({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "x"}))
    assert not away(remote, RestException({"error_code": "RESOURCE_DOES_NOT_EXIST"}))


@pytest.fixture
def postgres(postgres_url: Callable[[str, str], str], tmp_path: Path) -> str:
    return postgres_url(f"w{abs(hash(tmp_path))}", "psycopg")


def error_of(address: str, *statements: str) -> Exception:
    """Return what a database says."""
    try:
        with engine_of(address).connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))
    except sa.exc.SQLAlchemyError as error:
        return error
    raise AssertionError(f"{address} said nothing")


def test_a_database_that_refuses_is_there(postgres: str) -> None:
    assert not database_away(error_of(postgres.rsplit("/", 1)[0] + "/nothing"))
    assert not database_away(error_of(postgres.replace("touchstone@", "nobody:secret@")))
    assert not database_away(error_of(postgres, "SELECT * FROM nowhere"))
    assert not database_away(error_of(postgres, "SELECT 1/0"))


def test_a_database_that_cannot_be_reached_or_ends_the_connection_is_away(postgres: str) -> None:
    nobody = "postgresql+psycopg://me:secret@127.0.0.1:9/none"
    assert database_away(error_of(nobody))
    assert not connects(nobody)
    assert connects(postgres)
    assert safe(nobody) == "postgresql+psycopg://127.0.0.1:9/none"
    assert database_away(
        error_of(postgres, "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1")
    )


def test_a_file_that_another_writes_into_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE t (x)")
    holder.execute("BEGIN EXCLUSIVE")
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    with pytest.raises(sa.exc.OperationalError) as caught, engine.connect() as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))
    holder.execute("ROLLBACK")
    holder.close()
    engine.dispose()
    assert database_away(caught.value)


def test_a_transaction_in_a_frozen_database_ends_with_an_error(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.registry.locks.FROZEN_SECONDS", 0.05)
    # Stands for a server that was stopped where it is: it keeps us, and takes nobody else.
    monkeypatch.setattr("components.registry.locks.connects", lambda address: False)
    with (
        pytest.raises(sa.exc.OperationalError) as caught,
        engine_of(postgres).connect() as connection,
        transaction(connection, postgres),
    ):
        connection.execute(sa.text("SELECT pg_sleep(60)"))
    assert database_away(caught.value)


def test_a_transaction_that_waits_for_a_lock_is_left_alone(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.registry.locks.FROZEN_SECONDS", 0.05)
    with engine_of(postgres).connect() as connection, transaction(connection, postgres):
        assert connection.execute(sa.text("SELECT 1 FROM pg_sleep(0.5)")).scalar() == 1
