"""In: a PostgreSQL table that grows. Out: the line reads it again for new rows, and only then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.orchestration import copy_of
from components.files import read_json
from components.ingestion.tickets import tickets
from components.params.load import read_tree
from components.records import read_card, read_examples
from components.schema import SPLITS
from flows.server import stop_server
from tests.end_to_end.test_release import environment
from tests.flows.projects import write_params

pytestmark = pytest.mark.slow
SOURCE = "sql:${OWN_DATABASE} SELECT * FROM requests"
PASSWORD = "pa55-never-to-be-seen"


@pytest.fixture
def database(
    postgres_url: Callable[[str, str], str], request: pytest.FixtureRequest
) -> Iterator[sa.Engine]:
    """A database of the test's own, with an empty table."""
    engine = sa.create_engine(postgres_url(request.node.name[:60], "psycopg"))
    with engine.begin() as connection:
        columns = "body TEXT, intent TEXT, channel TEXT, segment TEXT, customer_id TEXT"
        connection.execute(sa.text(f"CREATE TABLE requests ({columns})"))
    yield engine
    engine.dispose()


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Iterator[Path]:
    """A clone whose source is the table."""
    folder = copy_of(root, tmp_path / "project")
    tree = read_tree(folder / "params.yaml")
    tree["ingestion"]["source"] = SOURCE
    write_params(folder, tree)
    yield folder
    stop_server(folder / ".state")


def insert(engine: sa.Engine, rows: range) -> None:
    made = list(tickets(rows.stop, 3))[rows.start :]
    names = ", ".join(f":{name}" for name in made[0])
    with engine.begin() as connection:
        connection.execute(sa.text(f"INSERT INTO requests VALUES ({names})"), made)


def run(folder: Path, engine: sa.Engine, *words: str, rc: int = 0) -> str:
    url = engine.url.set(password=PASSWORD).render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment() | {"OWN_DATABASE": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    told = done.stdout + done.stderr
    assert done.returncode == rc, told
    assert PASSWORD not in told
    return told


def ids(folder: Path) -> set[str]:
    return {row["id"] for split in SPLITS for row in read_examples(folder / "data/raw", split)}


def test_a_table_that_grows_is_read_again_for_new_rows_and_only_then(
    project: Path, database: sa.Engine
) -> None:
    insert(database, range(300))
    assert "new data at 1 of the sources" in run(project, database, "flows", "probe")
    assert "Running stage 'ingest'" in run(project, database, "dvc", "repro", "ingest")
    assert read_card(project / "data/raw")["rows"] == 300
    before = ids(project)

    assert "no new data" in run(project, database, "flows", "probe")
    assert "Running stage" not in run(project, database, "dvc", "repro", "ingest")

    insert(database, range(300, 340))
    assert "Running stage" not in run(project, database, "dvc", "repro", "ingest")
    assert "new data at 1 of the sources" in run(project, database, "flows", "probe")
    assert "Running stage 'ingest'" in run(project, database, "dvc", "repro", "ingest")
    card = read_card(project / "data/raw")
    assert (card["rows"], card["source"]) == (340, SOURCE)
    assert before < ids(project), "rows keep their ids"

    own = Path(__file__).name
    made = [path for path in project.rglob("*") if path.is_file() and path.name != own]
    assert len(made) > 100
    assert [path for path in made if PASSWORD.encode() in path.read_bytes()] == []


def test_a_release_looks_for_new_data_before_it_reproduces_the_line(
    project: Path, database: sa.Engine
) -> None:
    insert(database, range(1))
    told = run(project, database, "flows", "release", rc=1)
    assert f"new data: {SOURCE}" in told
    assert "the line stopped at ingest" in told
    assert read_json(project / "data/source.json")["sources"][SOURCE]["rows"] == 1
