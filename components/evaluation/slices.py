"""In: examples, their logits and the user's slice columns. Out: the task's metrics per slice."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.errors import DataError
from components.schema import slice_column
from components.tasks.base import Array, Example, Task, metrics

MISSING: Final = "(missing)"


def slice_scores(
    task: Task,
    slices: Sequence[str],
    examples: Sequence[Example],
    logits: Sequence[Array],
    min_rows: int,
) -> list[dict[str, Any]]:
    """Return rows and metrics for each value of each slice column, in alphabetical order.

    A slice below `min_rows` has None for its metrics: chance would speak, not the model. So has
    a single figure that no row of the slice tells of.

    Raises:
        DataError: the examples lack a slice column.
    """
    scores = []
    for name in slices:
        column = slice_column(name)
        rows: dict[str, list[int]] = defaultdict(list)
        for index, example in enumerate(examples):
            if column not in example:
                raise DataError(
                    f"test split: column {column} is missing",
                    f"drop {name} from ingestion.columns.slices, or run `dvc repro`",
                )
            value = example[column]
            rows[MISSING if value is None else str(value)].append(index)
        for value, members in sorted(rows.items()):
            enough = len(members) >= min_rows
            found = (
                known(metrics(task, [examples[i] for i in members], [logits[i] for i in members]))
                if enough
                else None
            )
            scores.append({"column": name, "value": value, "rows": len(members), "metrics": found})
    return scores


def known(found: Mapping[str, float]) -> dict[str, float | None]:
    """Return figures as JSON values: None where there was nothing to score."""
    return {name: value if math.isfinite(value) else None for name, value in found.items()}
