"""In: where MLflow keeps its books. Out: an open connection to it, migrated exactly once."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.errors import ServiceError, TouchstoneError
from components.registry.locks import file_lock

URI_VARIABLE: Final = "MLFLOW_TRACKING_URI"
QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
SERVER_ERROR: Final = 500
POLL_SECONDS: Final = 0.5
# MLflow's default address is one for the whole process.
DEFAULT: Final = threading.RLock()


@dataclass(frozen=True)
class Registry:
    """An open MLflow.

    Attributes:
        uri: of the tracking store and of the model registry, which are one.
        state: the folder for locks and caches.
        client: MLflow's client; only this package calls it.
    """

    uri: str
    state: Path
    client: Any

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
        wait_seconds: how long a server that does not answer is waited for.

    Raises:
        ServiceError: the server does not answer.
        TouchstoneError: the database is damaged, or of another MLflow.
    """
    uri = os.environ.get(URI_VARIABLE) or local_uri(state)
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    if is_remote(uri):
        _await_server(uri, wait_seconds)
        return Registry(uri, state, _connect(uri))
    if uri.startswith("sqlite:///"):
        _check_sqlite(Path(uri.removeprefix("sqlite:///")))
    # Two processes that migrate one fresh database at once leave it half-made.
    with file_lock(state / "mlflow" / "migration.lock"):
        return Registry(uri, state, _connect(uri))


def _connect(uri: str) -> Any:  # noqa: ANN401 - MLflow has no stubs
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)
    except (MlflowException, SQLAlchemyError) as error:
        reason = str(error).strip().splitlines()[0]
        cure = f"check the database; for one of an older MLflow: `mlflow db upgrade '{safe(uri)}'`"
        raise TouchstoneError(f"MLflow at {safe(uri)} cannot be used: {reason}", cure) from error
    return client


def safe(uri: str) -> str:
    """Return the address without its password."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


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


def _await_server(uri: str, wait_seconds: float) -> None:
    """Return once the server answers."""
    end = time.monotonic() + wait_seconds
    while (problem := _health(uri)) is not None:
        if time.monotonic() >= end:
            raise ServiceError(
                f"MLflow at {safe(uri)} does not answer ({problem}), "
                f"waited {wait_seconds:g} seconds",
                f"`make up` starts a local one; unset {URI_VARIABLE} to do without a server",
            )
        time.sleep(POLL_SECONDS)


def _health(uri: str) -> str | None:
    """Return why the server cannot be used, or None."""
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=5):
            return None
    except urllib.error.HTTPError as error:
        # A guarded server asks who we are; it is there.
        return None if error.code < SERVER_ERROR else f"status {error.code}"
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
