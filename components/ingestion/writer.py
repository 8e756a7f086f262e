"""In: examples of one split, one by one. Out: its Parquet file, written in batches, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from components.ingestion.together import BATCH_CHARACTERS, BATCH_ROWS, characters
from components.records import split_path
from components.schema import Split, example_schema
from components.tasks.base import Example, Task


class SplitWriter:
    """Writes one split; memory holds one batch of rows, and the labels."""

    def __init__(self, folder: Path, split: Split, task: Task, slices: Sequence[str]) -> None:
        self._task = task
        self._schema = example_schema(task.columns, slices)
        self._file = pq.ParquetWriter(split_path(folder, split), self._schema, compression="zstd")
        self._batch: list[Example] = []
        self._size = 0
        self._labels: Counter[str] = Counter()
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def write(self, example: Example) -> None:
        """Add one row."""
        self._batch.append(example)
        self._labels.update(set(self._task.tags(example)) or {""})
        self._rows += 1
        self._size += characters(example)
        if len(self._batch) >= BATCH_ROWS or self._size >= BATCH_CHARACTERS:
            self._flush()

    def counts(self, groups: int) -> dict[str, Any]:
        """Return the rows, the groups, and the rows of each label ("" where it is missing)."""
        labels = dict(sorted(self._labels.items()))
        return {"rows": self._rows, "groups": groups, "labels": labels}

    def _flush(self) -> None:
        if self._batch:
            self._file.write_table(pa.Table.from_pylist(self._batch, schema=self._schema))
            self._batch.clear()
            self._size = 0
