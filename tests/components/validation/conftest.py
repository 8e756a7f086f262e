"""In: nothing. Out: toy rows that keep every rule, thresholds, and a raw folder of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from components.params import ValidationParams
from components.params.sections import RowsPerSplit
from components.records import write_card, write_split
from components.schema import SPLITS, Split, example_schema
from components.tasks.base import Task

LABELS = ("track", "refund", "login")
Row = dict[str, Any]
MakeRow = Callable[..., Row]


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
def thresholds() -> Callable[..., ValidationParams]:
    """Make validation params; keywords replace single thresholds."""

    def make(**changes: Any) -> ValidationParams:
        values: dict[str, Any] = {
            "min_characters": 3,
            "max_characters": 40,
            "max_reject_share": 0.2,
            "max_unknown_labels": 0,
            "min_rows_per_label": RowsPerSplit(train=2, validation=2, test=2),
            "max_label_share": 0.6,
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
