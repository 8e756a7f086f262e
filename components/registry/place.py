"""In: where MLflow keeps its books. Out: an open connection to it, migrated exactly once."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.errors import TouchstoneError
from components.patience import veiled, wait_out
from components.registry.locks import engine_of, file_lock, safe
from components.registry.waiting import books, health

URI_VARIABLE: Final = "MLFLOW_TRACKING_URI"
QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    # Whoever calls waits, tells so, and does the whole again (`waiting`); MLflow would repeat each
    # request by itself for minutes, without a word, and what is no request of its own twice.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
# MLflow's default address is one for the whole process.
DEFAULT: Final = threading.RLock()


@dataclass(frozen=True)
class Registry:
    """An open MLflow.

    Attributes:
        uri: of the tracking store and of the model registry, which are one.
        state: the folder for locks and caches.
        client: MLflow's client; only this package calls it.
        patience: seconds that MLflow, or the ledger, may be away in the middle of a call.
    """

    uri: str
    state: Path
    client: Any
    patience: float = 0.0

    @contextlib.contextmanager
    def as_default(self) -> Iterator[None]:
        """Make this MLflow the one that MLflow's own code asks when it makes itself a client."""
        import mlflow

        with DEFAULT:
            before = os.environ.get(URI_VARIABLE)
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
            try:
                yield
            finally:
                mlflow.set_tracking_uri(None)
                mlflow.set_registry_uri(None)
                # MLflow writes the address into the environment, where it would outlive this block.
                os.environ.pop(URI_VARIABLE, None)
                os.environ |= {URI_VARIABLE: before} if before is not None else {}

    @property
    def remote(self) -> bool:
        """Whether a server stands between us and the database."""
        return is_remote(self.uri)


def begun(state: Path) -> bool:
    """Return whether there is anything to ask: an address was given, or a version registered."""
    local = (state / "mlflow" / "mlflow.db").is_file()
    return bool(os.environ.get(URI_VARIABLE)) or local


def local_uri(state: Path) -> str:
    """Return the address of the SQLite file that is used when MLFLOW_TRACKING_URI is not set."""
    return f"sqlite:///{(state / 'mlflow' / 'mlflow.db').resolve()}"


def local_artifacts(state: Path) -> Path:
    """Return where artifacts lie beside that SQLite file."""
    return (state / "mlflow" / "artifacts").resolve()


def is_remote(uri: str) -> bool:
    """Return whether the address names an MLflow server, not a database."""
    return uri.startswith(("http://", "https://"))


def open_registry(state: Path, wait_seconds: float) -> Registry:
    """Connect to MLFLOW_TRACKING_URI, or to a SQLite file under `state`, made when it is absent.

    Args:
        state: the folder for what outlives a run, usually `.state`.
        wait_seconds: how long a server that does not answer is waited for, now and later on.

    Raises:
        Away: the server does not answer.
        TouchstoneError: the database is damaged, or of another MLflow.
    """
    uri = os.environ.get(URI_VARIABLE) or local_uri(state)
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    if uri.startswith("sqlite:///"):
        _check_sqlite(Path(uri.removeprefix("sqlite:///")))
    client = wait_out([books(uri)], wait_seconds, lambda: _open(uri, state))
    return Registry(uri, state, client, wait_seconds)


def _open(uri: str, state: Path) -> Any:  # noqa: ANN401 - MLflow has no stubs
    if is_remote(uri):
        if (problem := health(uri)) is not None:
            raise ConnectionError(problem)
        return _connect(uri)
    # Two processes that migrate one fresh database at once leave it half-made.
    with file_lock(state / "mlflow" / "migration.lock"):
        return _connect(uri)


def _connect(uri: str) -> Any:  # noqa: ANN401 - MLflow has no stubs
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It prints a traceback of what it raises anyway.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    try:
        if uri.startswith("postgresql"):
            # MLflow would try for minutes, without a word.
            engine_of(uri).connect().close()
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)
    except (MlflowException, SQLAlchemyError) as error:
        reason = veiled(str(error).strip().splitlines()[0])
        cure = f"check the database; for one of an older MLflow: `mlflow db upgrade '{safe(uri)}'`"
        raise TouchstoneError(f"MLflow at {safe(uri)} cannot be used: {reason}", cure) from error
    return client


def _check_sqlite(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            broken = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        broken = str(error)
    if broken != "ok":
        raise TouchstoneError(
            f"{path}: MLflow's database is damaged: {broken}",
            f"restore it from a backup, or move {path.parent} away and run again to start anew",
        )
