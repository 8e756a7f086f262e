"""In: rows appended, then edited, deleted, reordered, cut. Out: a chain that names each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from components.errors import IntegrityError, TouchstoneError
from components.registry import Registry, open_ledger
from components.registry.chain import COLUMNS, NO_ROW, row_hash
from components.registry.ledger import HEAD, TABLE
from components.registry.locks import ledger_address

NAME = "tickets"


@dataclass
class Tags:
    """As much of MLflow as a ledger asks for: the tags of registered models."""

    models: dict[str, dict[str, str]] = field(default_factory=lambda: {NAME: {}, "other": {}})

    def get_registered_model(self, name: str) -> Any:
        return SimpleNamespace(name=name, tags=self.models[name])

    def search_registered_models(self) -> list[Any]:
        return [self.get_registered_model(name) for name in self.models]

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self.models[name][key] = value


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def fresh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Give addresses of databases without a ledger."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.db'}"
    numbers = iter(range(100))
    url = request.getfixturevalue("postgres_url")
    return lambda: url(f"ledger{next(numbers)}", "psycopg")


@pytest.fixture
def books(fresh: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry with a ledger of its own, without rows."""
    monkeypatch.setenv("TOUCHSTONE_LEDGER", fresh())
    return Registry("http://mlflow.example", tmp_path / ".state", Tags())


def fill(books: Registry, rows: int = 5) -> None:
    ledger = open_ledger(books)
    for row in range(rows):
        ledger.append(NAME, "decision", f"key-{row}", {"row": row, "ü": [1.5, None]})


def alter(books: Registry, *statements: str) -> None:
    engine = sa.create_engine(ledger_address(books), poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def rehash(books: Registry) -> None:
    """Make the chain whole again, as somebody would who knows how it is made."""
    engine = sa.create_engine(ledger_address(books), poolclass=sa.NullPool)
    with engine.begin() as connection:
        rows = [dict(r._mapping) for r in connection.execute(sa.select(TABLE).order_by("seq"))]
        connection.execute(sa.delete(TABLE))
        previous = NO_ROW
        for seq, row in enumerate(rows, 1):
            row |= {"seq": seq, "previous": previous}
            row["hash"] = previous = row_hash(row)
            connection.execute(sa.insert(TABLE).values(row))


def test_rows_come_back_as_they_were_written(books: Registry) -> None:
    fill(books)
    rows = open_ledger(books).read()
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert [row.payload for row in rows] == [{"row": r, "ü": [1.5, None]} for r in range(5)]
    assert [row.previous for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert all("@" in row.who and row.at.endswith("+00:00") for row in rows)
    assert open_ledger(books).verify() == []


def test_same_event_counts_once(books: Registry) -> None:
    ledger = open_ledger(books)
    first = ledger.append(NAME, "decision", "key", {"verdict": "hold"})
    again = ledger.append(NAME, "decision", "key", {"verdict": "promote"})
    assert again == first
    assert ledger.read() == [first]
    assert ledger.find("key") == first
    assert ledger.find("no key") is None


def test_rows_are_read_by_model_and_verb(books: Registry) -> None:
    ledger = open_ledger(books)
    ledger.append(NAME, "decision", "a", {})
    ledger.append("other", "decision", "b", {})
    ledger.append(NAME, "intent", "c", {})
    assert [row.key for row in ledger.read(NAME)] == ["a", "c"]
    assert [row.key for row in ledger.read(None, ("decision",))] == ["a", "b"]


def test_payload_without_a_json_form_is_refused(books: Registry) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        open_ledger(books).append(NAME, "decision", "a", {"score": float("nan")})
    assert open_ledger(books).read() == []


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "seq"])
def test_row_that_was_edited_is_named(books: Registry, column: str) -> None:
    fill(books)
    before = {row.seq for row in open_ledger(books).read()}
    value = '{"row":9}' if column == "payload" else "edited"
    alter(books, f"UPDATE touchstone_ledger SET {column} = '{value}' WHERE seq = 3")
    found = open_ledger(books).verify()
    assert before == {1, 2, 3, 4, 5}
    assert any("row 3 (" in line and "was edited" in line for line in found)
    assert not any("row 2 (" in line or "row 5 (" in line for line in found)


def test_row_deleted_in_the_middle_is_named(books: Registry) -> None:
    fill(books)
    alter(books, "DELETE FROM touchstone_ledger WHERE seq = 3")
    found = open_ledger(books).verify()
    assert len(found) == 1
    assert "row 4" in found[0]
    assert "follows row 2" in found[0]


def test_rows_in_another_order_are_named(books: Registry) -> None:
    fill(books)
    swap = ("2 -> 99", "4 -> 2", "99 -> 4")
    for pair in swap:
        old, new = pair.split(" -> ")
        alter(books, f"UPDATE touchstone_ledger SET seq = {new} WHERE seq = {old}")
    found = open_ledger(books).verify()
    for seq in (2, 4):
        assert any(f"row {seq} (" in line and "was edited" in line for line in found)


def test_row_replaced_by_one_that_fits_its_own_hash_is_named(books: Registry) -> None:
    fill(books)
    row = open_ledger(books).read()[2]
    values = {name: getattr(row, name) for name in COLUMNS} | {"payload": "{}"}
    alter(books, f"UPDATE touchstone_ledger SET payload = '{{}}', hash = '{row_hash(values)}' "
          "WHERE seq = 3")  # fmt: skip
    found = open_ledger(books).verify()
    assert len(found) == 1
    assert "row 4" in found[0]
    assert "replaced" in found[0]


@pytest.mark.parametrize("gone", ["seq > 3", "seq = 5", "seq > 0"])
def test_rows_cut_from_the_end_are_missed(books: Registry, gone: str) -> None:
    fill(books)
    alter(books, f"DELETE FROM touchstone_ledger WHERE {gone}")
    found = open_ledger(books).verify()
    assert len(found) == 1
    assert "row 5 of tickets" in found[0]
    with pytest.raises(IntegrityError, match="cut at its end"):
        open_ledger(books).append(NAME, "decision", "another", {})


def test_chain_that_was_made_anew_is_missed(books: Registry) -> None:
    fill(books)
    alter(books, "DELETE FROM touchstone_ledger WHERE seq = 3")
    rehash(books)
    alter(books, "UPDATE touchstone_ledger SET key = 'x' WHERE seq = 1")
    rehash(books)
    fill(books, 0)
    found = open_ledger(books).verify()
    assert len(found) == 1
    assert "not the one that was written" in found[0]


def test_tag_that_somebody_else_wrote_is_no_head(books: Registry) -> None:
    fill(books)
    books.client.models[NAME][HEAD] = "hello"
    assert len(open_ledger(books).verify()) == 1


def test_head_that_was_not_told_of_is_told_by_asking_again(books: Registry) -> None:
    fill(books)
    tags: Mapping[str, str] = books.client.models[NAME]
    head = tags[HEAD]
    books.client.models[NAME].pop(HEAD)
    open_ledger(books).append(NAME, "decision", "key-0", {})
    assert tags[HEAD] == head, "the last row's, though an older one was asked for"


def test_many_writers_make_one_chain(books: Registry) -> None:
    def write(worker: int) -> None:
        ledger = open_ledger(books)
        for row in range(10):
            ledger.append(NAME, "decision", f"shared-{row}", {"worker": worker})
            ledger.append(NAME, "decision", f"own-{worker}-{row}", {"worker": worker})

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(write, range(4)))
    ledger = open_ledger(books)
    assert len(ledger.read()) == 10 + 4 * 10
    assert ledger.verify() == []


def test_database_that_cannot_be_used_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgresql+psycopg://me:secret@127.0.0.1:9/ledger"
    monkeypatch.setenv("TOUCHSTONE_LEDGER", address)
    with pytest.raises(TouchstoneError, match=r"ledger at .*127\.0\.0\.1:9") as caught:
        open_ledger(Registry("http://mlflow.example", tmp_path, Tags()))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "named", "expected"),
    [
        ("postgresql+psycopg://db/mlflow", "", "postgresql+psycopg://db/mlflow"),
        ("http://mlflow", "postgresql+psycopg://db/own", "postgresql+psycopg://db/own"),
        ("http://mlflow", "", "sqlite"),
        ("sqlite:///mlflow.db", "", "sqlite"),
    ],
)
def test_ledger_lies_where_all_machines_can_reach_it_if_there_is_such_a_place(
    uri: str, named: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHSTONE_LEDGER", named)
    found = ledger_address(Registry(uri, tmp_path, None))
    local = f"sqlite:///{tmp_path / 'ledger.db'}"
    assert found == (local if expected == "sqlite" else expected)
