"""In: digests of rows and names of groups. Out: which copy each row is, and how many groups."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from components.schema import SPLITS, Split
from components.scratch import short_digest

_TABLES: Final = (
    "CREATE TABLE rows (digest BLOB PRIMARY KEY, copies INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE batch (digest BLOB NOT NULL)",
    "CREATE TABLE groups (split TEXT NOT NULL, digest BLOB NOT NULL)",
)


class Known:
    """What is known of the rows so far; it lies in a database, and memory does not grow with it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        for table in _TABLES:
            database.execute(table)
        database.execute("BEGIN")

    def number(self, digests: Sequence[bytes]) -> list[int]:
        """Return, for each of some rows, which copy of itself it is so far, from 1."""
        run = self._database.execute
        run("DELETE FROM batch")
        self._database.executemany("INSERT INTO batch VALUES (?)", ((each,) for each in digests))
        seen: dict[bytes, int] = dict(
            run("SELECT digest, copies FROM rows WHERE digest IN (SELECT digest FROM batch)")
        )
        # Sorted, so that neighbours in the tree are added together.
        run(
            "INSERT INTO rows SELECT digest, count(*) FROM batch WHERE true GROUP BY digest "
            "ON CONFLICT (digest) DO UPDATE SET copies = copies + excluded.copies"
        )
        numbers = []
        for digest in digests:
            seen[digest] = seen.get(digest, 0) + 1
            numbers.append(seen[digest])
        return numbers

    def add_groups(self, groups: Iterable[tuple[Split, str]]) -> None:
        """Note the groups of some rows, each with its split."""
        rows = ((split, short_digest(group)) for split, group in groups)
        self._database.executemany("INSERT INTO groups VALUES (?, ?)", rows)

    def groups(self) -> Mapping[Split, int]:
        """Return how many groups each split has."""
        found = self._database.execute(
            "SELECT split, count(*) FROM (SELECT split FROM groups GROUP BY split, digest)"
            " GROUP BY split"
        )
        return dict.fromkeys(SPLITS, 0) | dict(found)
