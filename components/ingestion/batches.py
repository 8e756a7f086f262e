"""In: record batches of Arrow, whatever file they come from. Out: their rows as text, strictly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.arrays import Array
from components.errors import DataError
from components.ingestion.decoding import Record, require_columns
from components.ingestion.together import BATCH_CHARACTERS, BATCH_ROWS


def require_text(path: Path, schema: pa.Schema, columns: Sequence[str]) -> None:
    """Check that every column is there, and holds text, whole numbers or booleans.

    Raises:
        DataError: names the column that is absent, or what it holds.
    """
    require_columns(str(path), columns, schema.names)
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    checks = (*text, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null)
    for name in columns:
        kind = schema.field(name).type
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not any(check(plain) for check in checks):
            raise DataError(
                f"{path}: column {name!r} has the type {kind}, not text", "store it as strings"
            )


def text_rows(
    path: Path, batches: Iterable[pa.RecordBatch], columns: Sequence[str]
) -> Iterator[Record]:
    """Yield the rows of all batches, a part of a batch at a time; null is missing.

    Raises:
        DataError: a value is no UTF-8; names row and column.
    """
    target = pa.schema([(name, pa.string()) for name in columns])
    done = 0
    for batch in batches:
        for rows in _parts(batch.select(columns)):
            part = pa.Table.from_batches([rows])
            cells = {name: _cells(path, part, target.field(name), done) for name in columns}
            yield from _records(cells, part.num_rows)
            done += part.num_rows


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield a batch in parts of so many rows, or of fewer where their texts are long."""
    ends = np.cumsum(sum(map(_lengths, batch.columns), np.zeros(batch.num_rows)))
    start = 0
    while start < batch.num_rows:
        before = ends[start - 1] if start else 0
        held = int(np.searchsorted(ends, before + BATCH_CHARACTERS, side="right"))
        end = min(start + BATCH_ROWS, max(held, start + 1))
        yield batch.slice(start, end - start)
        start = end


def _lengths(column: pa.Array) -> Array:
    """Return how many bytes of text each row has."""
    if pa.types.is_dictionary(column.type):
        each = np.append(_lengths(column.dictionary), 0.0)
        return np.asarray(each[column.indices.fill_null(len(each) - 1).to_numpy()])
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.zeros(len(column))
    found: Array = pc.binary_length(column).fill_null(0).to_numpy().astype(np.float64)
    return found


def _records(cells: Mapping[str, list[str | None]], rows: int) -> Iterator[Record]:
    for row in range(rows):
        yield {name: column[row] for name, column in cells.items()}


def _cells(path: Path, part: pa.Table, field: pa.Field, done: int) -> list[str | None]:
    column = part[field.name]
    try:
        cells: list[str | None] = column.cast(field.type).to_pylist()
    except (UnicodeDecodeError, pa.ArrowInvalid) as error:
        row = done + _first_unreadable(column) + 1
        raise DataError(
            f"{path}, row {row}: column {field.name!r} is not UTF-8: {error}",
            "write the file again, with UTF-8 text",
        ) from error
    return cells


def _first_unreadable(column: pa.ChunkedArray) -> int:
    for place, value in enumerate(column):
        try:
            value.as_py()
        except UnicodeDecodeError:
            return place
    return 0
