"""In: a Parquet file. Out: its records as text, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from components.errors import DataError
from components.ingestion.batches import require_text, text_rows
from components.ingestion.decoding import Record
from components.ingestion.together import BATCH_CHARACTERS, BATCH_ROWS

# Bytes of a column in one row group.
MOST_REPEATED: Final = 4 * BATCH_CHARACTERS


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """Stream a Parquet file; columns must hold text, whole numbers or booleans."""
    try:
        told = pq.read_metadata(path)
        with pq.ParquetFile(path, metadata=told, read_dictionary=_repeated(told, columns)) as file:
            require_text(path, file.schema_arrow, columns)
            batches = file.iter_batches(_at_once(told), columns=list(columns))
            yield from text_rows(path, batches, columns)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path} is no readable Parquet file: {error}", "write it again, with UTF-8 text"
        ) from error


def _repeated(told: pq.FileMetaData, columns: Sequence[str]) -> list[str]:
    """Return the columns whose values are read each once, however often they stand in a file.

    A long context of a thousand questions takes little of a file, and a thousand times as much as
    text. Until its end, a row group keeps all values, so that large ones are read as they are.
    """
    groups = [told.row_group(number) for number in range(told.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    large = {each.path_in_schema for each in chunks if each.total_uncompressed_size > MOST_REPEATED}
    # A name that is absent has its own error; the reader would refuse it without one.
    known = {each.path_in_schema for each in chunks}
    return [name for name in columns if name in known - large]


def _at_once(told: pq.FileMetaData) -> int:
    """Return how many rows are read together: fewer where they are long."""
    groups = [told.row_group(number) for number in range(told.num_row_groups)]
    longest = max((each.total_byte_size / max(1, each.num_rows) for each in groups), default=0.0)
    return max(1, min(BATCH_ROWS, int(BATCH_CHARACTERS / max(1.0, longest))))
