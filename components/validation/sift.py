"""In: a raw folder, and an empty database. Out: which rows stay, and why others do not.

The rows are read twice: to compare them, and to hold the accepted ones where they can be checked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from components.params import ValidationParams
from components.records import Example, iter_batches, rows_of, split_schema
from components.schema import SOURCE_ROW, SPLIT, SPLITS, Split, example_schema
from components.tasks.base import Task, said
from components.validation.accepted import Accepted
from components.validation.findings import LISTED, Rejected
from components.validation.rejection import PRIORITY, REASONS
from components.validation.sieve import Sieve

EXAMPLES_PER_REASON: Final = 5
EXAMPLE_CHARACTERS: Final = 160


@dataclass(frozen=True)
class Sifted:
    """Rows by what became of them.

    Attributes:
        sieve: knows the reason of each rejected row.
        accepted: holds the others.
        rejected: figures of the rejected rows.
    """

    sieve: Sieve
    accepted: Accepted
    rejected: Rejected

    def counts(self) -> dict[str, Any]:
        """Return how many rows there are of each kind, and the reasons of the rejected ones."""
        reasons = self.rejected.reasons
        accepted, rejected = sum(self.accepted.rows.values()), sum(reasons.values())
        return {
            "rows": accepted + rejected,
            "accepted": accepted,
            "rejected": rejected,
            "splits": dict(self.accepted.rows),
            "reasons": {reason: reasons[reason] for reason in REASONS if reason in reasons},
        }


def sift(
    task: Task,
    params: ValidationParams,
    slices: Sequence[str],
    raw: Path,
    database: sqlite3.Connection,
) -> Sifted:
    """Tell usable rows of a raw folder from others.

    Where a column is absent all stay, since the rules will tell.
    """
    schemas = {split: split_schema(raw, split) for split in SPLITS}
    needed = set(example_schema(task.columns, slices).names)
    whole = all(needed <= set(schema.names) for schema in schemas.values())
    sieve = Sieve(database, task, params if whole else None)
    for split in SPLITS:
        for batch in iter_batches(raw, split):
            sieve.add(split, rows_of(batch))
    sieve.decide()
    accepted = Accepted(database, task, schemas["train"])
    shown = Shown(task)
    for split in SPLITS:
        for batch, reasons in batches(sieve, raw, split):
            accepted.add(split, kept(batch, reasons))
            shown.add(split, batch, reasons)
    accepted.close()
    rejected = Rejected(sieve.reasons(), *sieve.unknown_labels(LISTED), shown.rows())
    return Sifted(sieve, accepted, rejected)


class Shown:
    """A few rejected rows of each reason."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._rows: dict[tuple[str, Split], list[Example]] = {
            (reason, split): [] for reason in REASONS for split in PRIORITY
        }

    def add(self, split: Split, batch: pa.RecordBatch, reasons: Mapping[int, str]) -> None:
        """Keep the rejected rows among these that are among the first of their reason."""
        for place, reason in reasons.items():
            rows = self._rows[reason, split]
            if len(rows) < EXAMPLES_PER_REASON:
                rows += batch.slice(place, 1).to_pylist()

    def rows(self) -> list[dict[str, Any]]:
        """Return the first of each reason, their texts shortened."""
        return [
            {
                "reason": reason,
                "split": row[SPLIT],
                "source_row": row[SOURCE_ROW],
                "text": said(self._task, row)[:EXAMPLE_CHARACTERS],
            }
            for reason in REASONS
            for row in [r for split in PRIORITY for r in self._rows[reason, split]][
                :EXAMPLES_PER_REASON
            ]
        ]


def batches(
    sieve: Sieve, raw: Path, split: Split
) -> Iterator[tuple[pa.RecordBatch, dict[int, str]]]:
    """Yield the rows of a split, each batch with the reasons of its rejected rows."""
    start = 0
    for batch in iter_batches(raw, split):
        yield batch, sieve.rejected(split, start, batch.num_rows)
        start += batch.num_rows


def kept(batch: pa.RecordBatch, reasons: Mapping[int, str]) -> pa.RecordBatch:
    """Return the rows of a batch that are not rejected."""
    mask = [place not in reasons for place in range(batch.num_rows)]
    return batch.filter(pa.array(mask, pa.bool_())) if reasons else batch
