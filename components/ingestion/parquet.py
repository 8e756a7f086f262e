"""In: a Parquet file. Out: its records as text, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from components.errors import DataError
from components.ingestion.decoding import Record, require_columns

BATCH_ROWS: Final = 8192


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a Parquet file; columns must hold text, whole numbers or booleans."""
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            require_columns(str(path), columns, schema.names)
            for name in columns:
                _require_text(path, name, schema.field(name).type)
            yield from _parquet_rows(file, columns)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is no readable Parquet file: {error}", "write it again, with UTF-8 text"
        ) from error


def _parquet_rows(file: pq.ParquetFile, columns: Sequence[str]) -> Iterator[Record]:
    target = pa.schema([(name, pa.string()) for name in columns])
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
        yield from pa.Table.from_batches([batch]).select(columns).cast(target).to_pylist()


def _require_text(path: Path, name: str, kind: pa.DataType) -> None:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    checks = (*text, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null)
    if not any(check(plain) for check in checks):
        raise DataError(
            f"{path}: column {name!r} has the type {kind}, not text", "store it as strings"
        )
