"""In: nothing. Out: toy rows that keep every rule, thresholds, and a raw folder of them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from components.params import ValidationParams
from components.params.sections import RowsPerSplit
from components.records import write_card, write_split
from components.schema import SPLITS, Split, example_schema
from components.scratch import scratch_database
from components.tasks.base import Task
from components.validation.accepted import TABLE, Accepted
from components.validation.sieve import Sieve

LABELS = ("track", "refund", "login")
Row = dict[str, Any]
MakeRow = Callable[..., Row]
BATCH = 3


@dataclass
class Streamed:
    """What became of rows that were taken a few at a time."""

    sieve: Sieve
    accepted: Accepted
    kept: dict[Split, list[Row]]
    rejected: list[tuple[Row, str]]
    database: sqlite3.Connection

    def column(self, name: str) -> list[Any]:
        """Return a column of the table that is checked in SQL."""
        return [value for (value,) in self.database.execute(f'SELECT "{name}" FROM {TABLE}')]


Stream = Callable[..., Streamed]


def make_row(split: Split, name: str, **changes: Any) -> Row:
    """Return a usable row; `name` makes its text, id and group."""
    row: Row = {
        "id": f"id {split} {name}",
        "group": f"group {split} {name}",
        "split": split,
        "source_row": 1,
        "text": f"question {name} of {split}",
        "label": "track",
        "slice_channel": "web",
    }
    return row | changes


def good_rows() -> list[Row]:
    return [
        make_row(split, f"{label} {i}", label=label)
        for split in SPLITS
        for label in LABELS
        for i in range(4)
    ]


@pytest.fixture
def good() -> list[Row]:
    """Four rows of every label in every split."""
    return good_rows()


@pytest.fixture(scope="session")
def row() -> MakeRow:
    """Make one usable row."""
    return make_row


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite that adds no rules."""
    path = tmp_path_factory.mktemp("suite") / "suite.yaml"
    path.write_text("rules: []\n")
    return path


@pytest.fixture(scope="session")
def thresholds(suite: Path) -> Callable[..., ValidationParams]:
    """Make validation params; keywords replace single thresholds."""

    def make(**changes: Any) -> ValidationParams:
        values: dict[str, Any] = {
            "min_characters": 3,
            "max_characters": 40,
            "max_reject_share": 0.2,
            "max_unknown_labels": 0,
            "min_rows_per_label": RowsPerSplit(train=2, validation=2, test=2),
            "max_label_share": 0.6,
            "suite": str(suite),
        }
        return ValidationParams(**values | changes)

    return make


@pytest.fixture
def raw_folder(task: Task, tmp_path: Path) -> Callable[..., Path]:
    """Write rows as ingest would; `without` leaves a column out."""

    def make(rows: Sequence[Row], without: str = "") -> Path:
        schema = example_schema(task.columns, ["channel"])
        for split in SPLITS:
            own = [one for one in rows if one["split"] == split]
            table = pa.Table.from_pylist(own, schema=schema)
            write_split(tmp_path / "raw", split, table.drop([without] if without else []))
        write_card(tmp_path / "raw", licence="CC0-1.0", source="toy.csv")
        return tmp_path / "raw"

    return make


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    """Sift rows as the stage does, three at a time; without params all stay."""
    with contextlib.ExitStack() as stack:

        def run(
            task: Task, params: ValidationParams | None, rows: Mapping[Split, Sequence[Row]]
        ) -> Streamed:
            folder = tmp_path / f"scratch {len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            database = stack.enter_context(scratch_database(folder))
            sieve = Sieve(database, task, params)
            for split in SPLITS:
                for start in range(0, max(1, len(rows[split])), BATCH):
                    sieve.add(split, rows[split][start : start + BATCH])
            sieve.decide()
            whole = pa.Table.from_pylist([row for split in SPLITS for row in rows[split]])
            accepted = Accepted(database, task, whole.schema)
            found = Streamed(sieve, accepted, {}, [], database)
            for split in ("test", "validation", "train"):
                reasons = sieve.rejected(split, 0, len(rows[split]))
                found.rejected += [(rows[split][place], why) for place, why in reasons.items()]
                found.kept |= {
                    split: [row for i, row in enumerate(rows[split]) if i not in reasons]
                }
                batch = pa.RecordBatch.from_pylist(found.kept[split], schema=whole.schema)
                found.accepted.add(split, batch)
            found.accepted.close()
            return found

        yield run
