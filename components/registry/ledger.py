"""In: decisions and moves. Out: rows that are only added, each with the hash of the one before.

A row's hash is SHA-256 of the previous row's hash and its own canonical JSON, so that an edited,
deleted or reordered row breaks the chain from there on. A chain that was cut at its end, or made
anew from its start, is whole again: therefore the hash of a model's last row is also kept as a
tag on the registered model, in MLflow.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from components.errors import IntegrityError, TouchstoneError
from components.failpoints import failpoint
from components.patience import veiled
from components.registry.chain import (
    COLUMNS,
    NO_ROW,
    broken_rows,
    canonical,
    end_missing,
    head_of,
    read_head,
    row_hash,
)
from components.registry.locks import engine_of, ledger_address, model_lock, safe, transaction
from components.registry.place import Registry
from components.registry.waiting import patient, waited_for

HEAD: Final = "touchstone.ledger"

Verb = Literal["decision", "intent", "done", "abandoned", "by hand"]
TABLE: Final = sa.Table(
    "touchstone_ledger",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(name, sa.Text, nullable=False) for name in COLUMNS[1:]),
    sa.UniqueConstraint("key", name="touchstone_ledger_key"),
)


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        seq: its place in the chain, from 1.
        at: when, UTC, ISO 8601.
        who: user@host.
        name: the model.
        verb: what happened.
        key: names the event; the same event twice is one row.
        payload: the rest, as JSON values.
        previous: hash of the row before.
        hash: of this row.
    """

    seq: int
    at: str
    who: str
    name: str
    verb: Verb
    key: str
    payload: Mapping[str, Any]
    previous: str
    hash: str


class Ledger:
    """The rows of one database, and the tags in MLflow that tell when its end is missing.

    Args:
        registry: whose decisions and moves these are.
        engine: of the database.
    """

    def __init__(self, registry: Registry, engine: sa.Engine) -> None:
        self._registry = registry
        self._engine = engine
        self._sound: set[str] = set()
        self._kept: sa.Connection | None = None

    def append(
        self, name: str, verb: Verb, key: str, payload: Mapping[str, Any], *, tell: bool = True
    ) -> Entry:
        """Add a row, or find the row of the same key; the caller holds the model's lock.

        Args:
            name: the model.
            verb: what happened.
            key: names the event.
            payload: JSON values.
            tell: keep the row's hash in MLflow too; without, the caller does so, or the next row.

        Raises:
            IntegrityError: the ledger lacks a row that MLflow knows of.
        """
        self.check(name)
        text = canonical(payload)
        with self._alone() as connection:
            row = connection.execute(sa.select(TABLE).where(TABLE.c.key == key)).first()
            if row is None:
                last = connection.execute(_last()).first()
                values = {
                    "seq": last.seq + 1 if last else 1,
                    "at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "who": who(),
                    "name": name,
                    "verb": verb,
                    "key": key,
                    "payload": text,
                    "previous": last.hash if last else NO_ROW,
                }
                values["hash"] = row_hash(values)
                connection.execute(sa.insert(TABLE).values(values))
        failpoint("ledger.appended")
        entry = _entry(values if row is None else row._mapping)
        if tell:
            self.tell(name)
        return entry

    def tell(self, name: str) -> None:
        """Keep the hash of the model's last row in MLflow; the caller holds the model's lock."""
        asked = sa.select(TABLE.c.seq, TABLE.c.hash).where(TABLE.c.name == name)
        with self._transaction() as connection:
            last = connection.execute(asked.order_by(TABLE.c.seq.desc()).limit(1)).one()
        head = head_of(last.seq, last.hash)
        self._registry.client.set_registered_model_tag(name, HEAD, head)

    def read(
        self, name: str | None = None, verbs: Sequence[Verb] | None = None, after: int = 0
    ) -> list[Entry]:
        """Return rows, oldest first: of one model or of all, of some verbs or of all.

        Args:
            name: the model.
            verbs: what happened.
            after: seq of a row; only later ones are returned.
        """
        asked = sa.select(TABLE).where(TABLE.c.seq > after).order_by(TABLE.c.seq)
        if name is not None:
            asked = asked.where(TABLE.c.name == name)
        if verbs is not None:
            asked = asked.where(TABLE.c.verb.in_(verbs))

        def rows() -> list[Entry]:
            with self._transaction() as connection:
                return [_entry(row._mapping) for row in connection.execute(asked)]

        return waited_for(self._registry, rows)

    def find(self, key: str) -> Entry | None:
        """Return the row of that key, or None."""
        with self._transaction() as connection:
            row = connection.execute(sa.select(TABLE).where(TABLE.c.key == key)).first()
        return None if row is None else _entry(row._mapping)

    def verify(self) -> list[str]:
        """Name every row that was edited, removed or moved, and every end that is missing."""
        with self._transaction() as connection:
            rows = [
                dict(row._mapping)
                for row in connection.execute(sa.select(TABLE).order_by(TABLE.c.seq))
            ]
        found = list(broken_rows(rows))
        hashes = {row["seq"]: row["hash"] for row in rows}
        for model in self._registry.client.search_registered_models():
            if problem := end_missing(model.name, model.tags.get(HEAD), hashes):
                found.append(problem)
        return found

    def check(self, name: str) -> None:
        """Look once whether the model's last row that MLflow knows of is here.

        Raises:
            IntegrityError: it is not: the ledger was cut, or is another one.
        """
        if name in self._sound:
            return
        tag = self._registry.client.get_registered_model(name).tags.get(HEAD)
        seq = read_head(tag)[0] if tag else None
        asked = sa.select(TABLE.c.hash).where(TABLE.c.seq == seq)
        with self._transaction() as connection:
            there = connection.execute(asked).scalar()
        if problem := end_missing(name, tag, {seq: str(there)} if seq and there else {}):
            raise IntegrityError(
                problem,
                "restore the ledger from a backup, or name the right database in "
                f"TOUCHSTONE_LEDGER; to begin anew on purpose, delete the tag {HEAD} of {name}",
            )
        self._sound.add(name)

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Keep one connection for all that this block asks: making one takes a while."""
        with self._engine.connect() as connection:
            self._kept = connection
            try:
                yield
            finally:
                self._kept = None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        address = ledger_address(self._registry)
        if self._kept is None:
            with self._engine.connect() as connection, transaction(connection, address):
                yield connection
            return
        with transaction(self._kept, address):
            yield self._kept

    @contextlib.contextmanager
    def _alone(self) -> Iterator[sa.Connection]:
        """Open a transaction that no other writer shares."""
        sqlite = self._engine.dialect.name == "sqlite"
        alone = "BEGIN IMMEDIATE" if sqlite else f"LOCK TABLE {TABLE.name} IN EXCLUSIVE MODE"
        with self._transaction() as connection:
            connection.exec_driver_sql(alone)
            yield connection


@patient
def open_ledger(registry: Registry) -> Ledger:
    """Connect to the ledger's database; its table is made when it is absent.

    Raises:
        TouchstoneError: the database cannot be used.
    """
    address = ledger_address(registry)
    registry.state.mkdir(parents=True, exist_ok=True)
    try:
        engine = engine_of(address)
        if not sa.inspect(engine).has_table(TABLE.name):
            # Two processes that make one table at once: one of them fails.
            with model_lock(registry, TABLE.name):
                TABLE.create(engine, checkfirst=True)
    except sa.exc.SQLAlchemyError as error:
        reason = veiled(str(error).strip().splitlines()[0])
        raise TouchstoneError(
            f"the ledger at {safe(address)} cannot be used: {reason}",
            "check the database; `python -m flows doctor` looks at the rest",
        ) from error
    return Ledger(registry, engine)


def who() -> str:
    """Return user@host; a user without a name, as containers have them, by number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _last() -> sa.Select[Any]:
    return sa.select(TABLE.c.seq, TABLE.c.hash).order_by(TABLE.c.seq.desc()).limit(1)


def _entry(row: Mapping[Any, Any]) -> Entry:
    values = {name: row[name] for name in COLUMNS}
    return Entry(**values | {"payload": json.loads(values["payload"])})
