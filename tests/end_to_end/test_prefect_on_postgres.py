"""In: a real PostgreSQL. Out: Prefect keeps its flow runs there, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows import server

pytestmark = pytest.mark.slow
INGEST = ["ingest", "--source", "data/source", "--out", "data/raw"]


@pytest.fixture
def on_postgres(
    postgres_url: Callable[[str, str], str], tiny_project: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of the project's own server, which keeps its books in PostgreSQL."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", postgres_url("prefect", "asyncpg"))
    yield server.ensure_server(tiny_project / ".state")
    server.stop_server(tiny_project / ".state")


def test_flow_runs_are_kept_in_postgresql(on_postgres: str, tiny_project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows", *INGEST],
        cwd=tiny_project,
        env={**os.environ, "PREFECT_API_URL": on_postgres},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    import psycopg

    url = os.environ["PREFECT_API_DATABASE_CONNECTION_URL"].replace("+asyncpg", "")
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT name, state_type::text FROM flow_run").fetchall()
    assert [(name.split()[0], state) for name, state in rows] == [("ingest", "COMPLETED")]
    assert not (tiny_project / ".state/prefect/prefect.db").exists()
