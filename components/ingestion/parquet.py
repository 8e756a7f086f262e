"""In: a Parquet file. Out: its records as text, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.errors import DataError
from components.ingestion.batches import BATCH_ROWS, require_text, text_rows
from components.ingestion.decoding import Record


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a Parquet file; columns must hold text, whole numbers or booleans."""
    try:
        with pq.ParquetFile(path) as file:
            require_text(path, file.schema_arrow, columns)
            batches = file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns))
            yield from text_rows(path, batches, columns)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path} is no readable Parquet file: {error}", "write it again, with UTF-8 text"
        ) from error
