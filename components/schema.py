"""In: nothing. Out: the names that every stage shares: splits, columns, and the Parquet schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import pyarrow as pa

Split = Literal["train", "validation", "test"]
SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")

# What a model is made from; the test split is for those that judge it.
Seen = Literal["train", "validation"]
SEEN: Final[tuple[Seen, ...]] = ("train", "validation")

ID: Final = "id"
GROUP: Final = "group"
SPLIT: Final = "split"
SOURCE_ROW: Final = "source_row"
PARENT_ID: Final = "parent_id"
EDIT: Final = "edit"
REASON: Final = "reason"
SLICE_PREFIX: Final = "slice_"

FIXED: Final = {
    ID: pa.string(),
    GROUP: pa.string(),
    SPLIT: pa.string(),
    SOURCE_ROW: pa.int64(),
}


def slice_column(name: str) -> str:
    """Return the column that holds the user's slice `name`, out of the way of all other names."""
    return f"{SLICE_PREFIX}{name}"


def example_schema(
    task_columns: Mapping[str, str], slices: Sequence[str], *, augmented: bool = False
) -> pa.Schema:
    """Return the Parquet schema of examples.

    Args:
        task_columns: what the task needs, as column name to Arrow type alias ("string").
        slices: the user's slice columns, by their own names.
        augmented: adds the id of the row that an altered row was made from, and the edit's name.
    """
    fields: dict[str, pa.DataType] = dict(FIXED)
    fields |= {name: pa.type_for_alias(alias) for name, alias in task_columns.items()}
    fields |= {slice_column(name): pa.string() for name in slices}
    if augmented:
        fields |= {PARENT_ID: pa.string(), EDIT: pa.string()}
    return pa.schema(list(fields.items()))
