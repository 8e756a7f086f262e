"""In: the accepted rows, batch by batch. Out: a table of them for SQL, their types, and counts."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from components.schema import ID, SPLITS, Split
from components.tasks.base import Example, Task, said
from components.validation.rejection import text_key

TABLE: Final = "rows"
TEXT_KEY: Final = "normalised_text"
CHARACTERS: Final = "characters"
FOREIGN: Final = "labels_not_of_the_task"


class Accepted:
    """Holds the accepted rows in a database; memory does not grow with them.

    Attributes:
        rows: how many there are, by split.
        labels: how many rows have each label, by split.
    """

    def __init__(self, database: sqlite3.Connection, task: Task, schema: pa.Schema) -> None:
        """Begin without rows.

        Args:
            database: gets the table `rows`.
            task: says which labels there are.
            schema: of the rows; columns of the task may be absent.
        """
        self._database, self._task = database, task
        self._labels = set(task.labels)
        self._complete = all(name in schema.names for name in task.columns)
        derived = [TEXT_KEY, CHARACTERS, FOREIGN] if self._complete else []
        self._columns = [*schema.names, *derived]
        kinds = dict.fromkeys(self._columns, "TEXT") | {CHARACTERS: "INTEGER", FOREIGN: "INTEGER"}
        kinds |= {field.name: "INTEGER" for field in schema if pa.types.is_integer(field.type)}
        named = zip(_apart(self._columns), self._columns, strict=True)
        database.execute(
            f"CREATE TABLE {TABLE} ({', '.join(f'{_quoted(n)} {kinds[c]}' for n, c in named)})"
        )
        database.execute("BEGIN")
        self._first: dict[str, Any] = {}
        self._lacking: set[str] = set()
        self.rows: dict[Split, int] = dict.fromkeys(SPLITS, 0)
        self.labels: Mapping[Split, Counter[str]] = {split: Counter() for split in SPLITS}

    def add(self, split: Split, batch: pa.RecordBatch) -> None:
        """Take some rows of a split."""
        if not batch.num_rows:
            return
        cells = [column.to_pylist() for column in batch.columns]
        names = batch.schema.names
        rows = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
        derived = list(zip(*self._derived(split, rows), strict=True))
        cells += map(list, derived) if self._complete else ()
        self._note_types(dict(zip(self._columns, cells, strict=False)))
        marks = ", ".join("?" * len(self._columns))
        insert = f"INSERT INTO {TABLE} VALUES ({marks})"
        self._database.executemany(insert, zip(*cells, strict=True))
        self.rows[split] += len(rows)

    def _derived(self, split: Split, rows: Sequence[Example]) -> Iterator[tuple[str, int, int]]:
        """Yield what is checked of each row beside its columns, and count its labels."""
        task, known, counts = self._task, self._labels, self.labels[split]
        for row in rows:
            labels, text = set(task.tags(row)), said(task, row)
            for label in labels & known:
                counts[label] += 1
            yield text_key(text), len(text.strip()), len(labels - known)

    def _note_types(self, cells: Mapping[str, Sequence[Any]]) -> None:
        for name, column in cells.items():
            if None in column:
                self._lacking.add(name)
            if name not in self._first:
                found = next((value for value in column if value is not None), None)
                if found is not None:
                    self._first[name] = found

    def close(self) -> None:
        """Make the table one that others can read; indices spare uniqueness its sorting."""
        for name in (ID, TEXT_KEY):
            if name in self._columns:
                self._database.execute(f"CREATE INDEX of_{name} ON {TABLE} ({_quoted(name)})")
        self._database.execute("COMMIT")

    def types(self) -> pd.DataFrame:
        """Return a frame whose columns have the types that one of all rows would have."""
        if not any(self.rows.values()):
            return pd.DataFrame([], columns=self._columns)
        rows = [
            {name: self._first.get(name) for name in self._columns},
            {n: None if n in self._lacking else self._first.get(n) for n in self._columns},
        ]
        return pd.DataFrame(rows, columns=self._columns)


def _apart(names: Sequence[str]) -> list[str]:
    """Return names that SQL, to which case is nothing, tells apart."""
    apart: list[str] = []
    for name in names:
        count = sum(name.casefold() == other.casefold() for other in names[: len(apart)])
        apart.append(f"{name} ({count + 1})" if count else name)
    return apart


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
