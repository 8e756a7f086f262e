"""In: record batches of Arrow, whatever file they come from. Out: their rows as text, strictly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from components.errors import DataError
from components.ingestion.decoding import Record, require_columns
from components.ingestion.together import BATCH_ROWS


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
        for start in range(0, batch.num_rows, BATCH_ROWS):
            part = pa.Table.from_batches([batch.slice(start, BATCH_ROWS)]).select(columns)
            cells = {name: _cells(path, part, target.field(name), done) for name in columns}
            yield from _records(cells, part.num_rows)
            done += part.num_rows


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
