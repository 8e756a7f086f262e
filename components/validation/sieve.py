"""In: the rows of the three splits. Out: those that can be used, and the others with a reason each.

A text stands once in the whole: the test split keeps it before validation, and that before train.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from components.near import variant_key
from components.params import ValidationParams
from components.schema import GROUP, ID, Split
from components.scratch import short_digest
from components.tasks.base import Example, Task, said
from components.validation.rejection import (
    PRIORITY,
    REASONS,
    answer_of,
    row_reason,
    text_key,
)

# `place` counts rows as they come, `rank` is the place of the split in PRIORITY, and `reason` that
# in REASONS, from 1; 0 is none.
_TABLES: Final = (
    "CREATE TABLE found (place INTEGER PRIMARY KEY, rank INTEGER NOT NULL, id TEXT, text BLOB,"
    ' answer BLOB, "group" BLOB, variant BLOB, reason INTEGER NOT NULL)',
    "CREATE TABLE unknown (label TEXT NOT NULL)",
)
_COPIES: Final = """
CREATE TABLE copies AS
    SELECT place, text, rank,
        first_value(rank) OVER own AS held, first_value(place) OVER own AS kept,
        answer <> first_value(answer) OVER own AS differs
    FROM found WHERE reason = 0 AND text IN (
        SELECT text FROM found WHERE reason = 0 GROUP BY text HAVING count(*) > 1
    ) WINDOW own AS (PARTITION BY text ORDER BY rank, id, place)
"""
_JUDGED: Final = """
INSERT INTO judged
    SELECT place, CASE
        WHEN max(differs AND rank = held) OVER (PARTITION BY text) THEN :conflicting_label
        WHEN place = kept THEN 0
        WHEN differs THEN :conflicting_label
        ELSE :duplicate_text END
    FROM copies
"""
_HELD: Final = """
INSERT INTO held SELECT "{key}", min(rank) FROM found WHERE reason = 0
    GROUP BY "{key}" HAVING max(rank) > min(rank)
"""
_HELD_OUT: Final = """
UPDATE found SET reason = ? WHERE reason = 0
    AND rank > (SELECT rank FROM held WHERE held.key = found."{key}")
"""
_CROSSING: Final = """
SELECT coalesce(sum(splits - 1), 0) FROM (
    SELECT max(rank = 0) + max(rank = 1) + max(rank = 2) AS splits FROM found
    WHERE reason = 0 AND "{key}" <> x'' GROUP BY "{key}" HAVING max(rank) > min(rank)
)
"""
# Stands for a group or a text that is not there, which is like no other.
NOTHING: Final = b""
# Answers are few where they are labels.
_digest: Final = lru_cache(maxsize=1 << 12)(short_digest)
_NUMBERS: Final = {reason: number for number, reason in enumerate(REASONS, 1)}


class Sieve:
    """Tells usable rows from others; memory does not grow with the rows.

    One reason per row, the first that holds: what is wrong with the row alone, then with the row
    among the others. Of a text that stands several times, the split of highest priority keeps one
    copy when all its copies there agree on the label; the other copies are `duplicate_text`, or
    `conflicting_label` when their label differs from the kept one. When the copies within that
    split disagree, nobody knows which is right, and all copies are `conflicting_label`. A row whose
    group stands in a split of higher priority is `group_held_out`; one whose text stands there but
    for punctuation or Unicode form is `variant_held_out`. Within a split such variants stay.

    The order of splits, and that of rows within one, do not matter.
    """

    def __init__(
        self, database: sqlite3.Connection, task: Task, params: ValidationParams | None
    ) -> None:
        """Begin without rows.

        Args:
            database: an empty one.
            task: says what is wrong with a row.
            params: the thresholds; None: every row stays, since columns are absent.
        """
        self._database, self._task, self._params = database, task, params
        self._known = set(task.labels)
        self._rows = 0
        self._starts: dict[Split, int] = {}
        for table in _TABLES:
            database.execute(table)
        database.execute("BEGIN")

    def add(self, split: Split, rows: Sequence[Example]) -> None:
        """Take some rows of a split; those of one split come one after the other."""
        self._starts.setdefault(split, self._rows)
        insert = "INSERT INTO found VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        unknown: list[str] = []
        found = self._found(PRIORITY.index(split), rows, unknown)
        self._database.executemany(insert, found)
        self._database.executemany("INSERT INTO unknown VALUES (?)", ((name,) for name in unknown))
        self._rows += len(rows)

    def _found(
        self, rank: int, rows: Sequence[Example], unknown: list[str]
    ) -> Iterator[tuple[object, ...]]:
        task, params = self._task, self._params
        for place, row in enumerate(rows, self._rows):
            text = said(task, row)
            reason = row_reason(task, params, row, text) if params else None
            if reason is None:
                yield (place, rank, row.get(ID), *self._compared(row, text), 0)
                continue
            if reason == "unknown_label":
                unknown += map(str, set(task.tags(row)) - self._known)
            yield (place, rank, None, None, None, None, None, _NUMBERS[reason])

    def _compared(self, row: Example, text: str) -> tuple[bytes, bytes, bytes, bytes]:
        """Return digests of text, answer, group and variant; a row may lack any of them."""
        group = row.get(GROUP)
        complete = None not in map(row.get, self._task.columns)
        return (
            short_digest(text_key(text)),
            _digest(repr(answer_of(self._task, row))) if complete else NOTHING,
            NOTHING if group is None else short_digest(group),
            short_digest(variant_key(text)) if complete else NOTHING,
        )

    def decide(self) -> None:
        """Compare the rows with one another, once all are there."""
        if self._params is not None:
            self._decide_copies()
            for key in ("group", "variant"):
                run = self._database.execute
                run("CREATE TABLE held (key BLOB PRIMARY KEY, rank INTEGER) WITHOUT ROWID")
                run(_HELD.format(key=key))
                run(_HELD_OUT.format(key=key), (_NUMBERS[f"{key}_held_out"],))
                run("DROP TABLE held")
        self._database.execute("COMMIT")

    def _decide_copies(self) -> None:
        run = self._database.execute
        run(_COPIES)
        run("CREATE TABLE judged (place INTEGER PRIMARY KEY, reason INTEGER)")
        run(_JUDGED, _NUMBERS)
        run(
            "UPDATE found SET reason = (SELECT reason FROM judged WHERE judged.place = found.place)"
            " WHERE place IN (SELECT place FROM judged WHERE reason > 0)"
        )
        run("DROP TABLE copies")
        run("DROP TABLE judged")

    def rejected(self, split: Split, start: int, rows: int) -> dict[int, str]:
        """Return the rejected ones of some rows of a split.

        Args:
            split: has been added.
            start: the first of the rows, counted in its split from 0.
            rows: how many they are.

        Returns:
            Their reasons, by their place among these rows, in that order.
        """
        first = self._starts[split] + start
        found = self._database.execute(
            "SELECT place - ?1, reason FROM found"
            " WHERE place >= ?1 AND place < ?1 + ?2 AND reason > 0 ORDER BY place",
            (first, rows),
        )
        return {place: REASONS[number - 1] for place, number in found}

    def reasons(self) -> dict[str, int]:
        """Return how many rows each reason has, the most frequent first."""
        found = self._database.execute(
            "SELECT reason, count(*) FROM found WHERE reason > 0 GROUP BY reason"
            " ORDER BY count(*) DESC, min(rank << 50 | place)"
        )
        return {REASONS[number - 1]: rows for number, rows in found}

    def crossing(self, key: str) -> int:
        """Count groups or variants that stand in a second split, once for each further one."""
        count: int = self._database.execute(_CROSSING.format(key=key)).fetchone()[0]
        return count

    def unknown_labels(self, most: int) -> tuple[dict[str, int], int]:
        """Return the labels that the task does not list, the most frequent first, and their number.

        Args:
            most: that are named.
        """
        run = self._database.execute
        listed: Mapping[str, int] = dict(
            run(
                "SELECT label, count(*) FROM unknown GROUP BY label ORDER BY count(*) DESC, label"
                " LIMIT ?",
                (most,),
            )
        )
        number: int = run("SELECT count(DISTINCT label) FROM unknown").fetchone()[0]
        return dict(listed), number
