"""In: sources that change, or do not. Out: a file that changes with them, and only then."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import fsspec
import pytest

from components.addresses import BUCKET
from components.errors import Away, DataError
from components.files import read_json, write_json
from components.ingestion import bucket, probe
from tests.components.ingestion.conftest import make_params


def stamp(path: Path) -> tuple[bytes, int, int]:
    """Tell whether a file is the same, and was not even written anew."""
    return path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "source.json"


def insert(path: Path, *rows: tuple[str, str, int]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (body, intent, customer, channel, at)")
        values = [(body, intent, "c", "web", at) for body, intent, at in rows]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", values)
    connection.close()


def test_what_dvc_can_see_leaves_the_committed_file_as_it_is(out: Path, root: Path) -> None:
    committed = (root / "data" / "source.json").read_bytes()
    for source in ("a.csv", "sample:tickets?rows=9&seed=1", "hf:./folder?split=train"):
        assert probe(make_params(source), out) == []
        assert out.read_bytes() == committed
    before = stamp(out)
    assert probe(make_params("b.csv"), out) == []
    assert stamp(out) == before


def test_a_table_that_grows_or_changes_is_noticed(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    name = f"sql:sqlite:///{path} SELECT * FROM t"
    insert(path, ("a", "x", 1))
    assert probe(make_params(name), out) == [name]
    before = stamp(out)
    assert probe(make_params(name), out) == []
    assert stamp(out) == before, "nothing new is not written down again"
    insert(path, ("b", "x", 2))
    assert probe(make_params(name), out) == [name]
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE t SET intent = 'y' WHERE at = 2")
    connection.close()
    assert probe(make_params(name), out) == [name]
    assert read_json(out)["sources"][name]["rows"] == 2


def test_a_named_column_tells_what_changed(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    name = f"sql:sqlite:///{path} SELECT * FROM t"
    insert(path, ("a", "x", 1), ("b", "x", 5))
    probe(make_params(name, changed="at"), out)
    assert read_json(out) == {"sources": {name: {"rows": 2, "changed": "5"}}}
    insert(path, ("c", "x", 6))
    assert probe(make_params(name, changed="at"), out) == [name]


def test_each_split_of_its_own_is_probed(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    insert(path, ("a", "x", 1), ("b", "x", 9))
    train, test = (f"sql:sqlite:///{path} SELECT * FROM t WHERE at {s} 5" for s in "<>")
    splits = {"splits": make_params("a.csv").splits.model_copy(update={"test": 0.0})}
    params = make_params(train, test_source=test, **splits)
    assert probe(params, out) == [train, test]
    insert(path, ("c", "x", 10))
    assert probe(params, out) == [test]


def test_a_source_that_is_away_leaves_what_was_known(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    insert(path, ("a", "x", 1))
    probe(make_params(f"sql:sqlite:///{path} SELECT * FROM t"), out)
    before = stamp(out)
    with pytest.raises(Away):
        probe(make_params("sql:postgresql+psycopg://u@127.0.0.1:9/d SELECT 1 AS body"), out)
    with pytest.raises(DataError):
        probe(make_params(f"sql:sqlite:///{path} SELECT * FROM u"), out)
    assert stamp(out) == before


@pytest.mark.parametrize("content", [b"", b"[]", b'{"sources": {"a": 1', b'{"sources": null}'])
def test_a_broken_file_is_written_anew(out: Path, content: bytes) -> None:
    write_json(out, {})
    out.write_bytes(content)
    assert probe(make_params("a.csv"), out) == []
    assert read_json(out) == {"sources": {}}


def test_an_object_in_a_bucket_is_noticed_by_its_etag(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fsspec.filesystem("memory")
    real = bucket.facts
    # The storage alone is another one: no S3 runs here.
    monkeypatch.setattr(bucket, "facts", lambda name: real(name.replace(BUCKET, "memory", 1)))
    files.pipe("/b/a.csv", b"one")
    assert probe(make_params("s3://b/a.csv"), out) == ["s3://b/a.csv"]
    assert probe(make_params("s3://b/a.csv"), out) == []
    files.pipe("/b/a.csv", b"two")
    assert probe(make_params("s3://b/a.csv"), out) == ["s3://b/a.csv"]
    files.rm("/b/a.csv")
